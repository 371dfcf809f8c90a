module github.com/tokentoss/tokentoss/stores/memory

go 1.26.0

require (
	github.com/tokentoss/tokentoss/core v0.1.0
	go.uber.org/goleak v1.3.0
)

require golang.org/x/oauth2 v0.37.0 // indirect
