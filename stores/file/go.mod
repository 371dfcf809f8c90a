module github.com/tokentoss/tokentoss/stores/file

go 1.26.0

require (
	github.com/gofrs/flock v0.13.2
	github.com/tokentoss/tokentoss/core v0.1.0
	golang.org/x/sys v0.49.0
)

require (
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
)
