module github.com/tokentoss/tokentoss/stores/postgres

go 1.26.0

require (
	filippo.io/age v1.3.2
	github.com/jackc/pgx/v5 v5.13.0
	github.com/tokentoss/tokentoss v0.1.0
	github.com/tokentoss/tokentoss/plugins v0.1.0
	go.uber.org/goleak v1.3.0
)
