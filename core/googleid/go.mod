module github.com/tokentoss/tokentoss/core/googleid

go 1.26.0

require (
	github.com/go-jose/go-jose/v4 v4.1.9
	github.com/tokentoss/tokentoss v0.1.0
	go.uber.org/goleak v1.3.0
	golang.org/x/oauth2 v0.37.0
)

require (
	cloud.google.com/go/compute/metadata v0.10.0 // indirect
	github.com/coder/websocket v1.8.15 // indirect
	github.com/gofrs/flock v0.13.2 // indirect
	golang.org/x/sys v0.50.0 // indirect
)
