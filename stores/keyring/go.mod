module github.com/tokentoss/tokentoss/stores/keyring

go 1.26.0

require (
	filippo.io/age v1.3.2
	github.com/99designs/keyring v1.2.2
	github.com/dvsekhvalnov/jose2go v1.11.0
	github.com/godbus/dbus v0.0.0-20190726142602-4481cbc300e2
	github.com/tokentoss/tokentoss/core v0.1.0
	github.com/tokentoss/tokentoss/stores/encrypted v0.1.0
	github.com/tokentoss/tokentoss/stores/file v0.1.0
	go.uber.org/goleak v1.3.0
)

require (
	github.com/danieljoos/wincred v1.2.3 // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/term v0.48.0 // indirect
)
