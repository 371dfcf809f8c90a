module github.com/tokentoss/tokentoss/stores/encrypted

go 1.26.0

require (
	filippo.io/age v1.3.2
	github.com/tokentoss/tokentoss/core v0.1.0
	github.com/tokentoss/tokentoss/stores/file v0.1.0
	go.uber.org/goleak v1.3.0
	golang.org/x/crypto v0.59.0
)

require (
	filippo.io/edwards25519 v1.2.0 // indirect
	filippo.io/hpke v0.4.0 // indirect
	github.com/gofrs/flock v0.13.2 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
)
