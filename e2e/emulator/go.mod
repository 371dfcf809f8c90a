module github.com/tokentoss/tokentoss/e2e/emulator

go 1.26.0

require (
	github.com/go-jose/go-jose/v4 v4.1.9
	go.uber.org/goleak v1.3.0 // tests only
)
