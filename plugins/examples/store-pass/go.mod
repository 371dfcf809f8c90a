module github.com/tokentoss/tokentoss/plugins/examples/store-pass

go 1.26.0

require (
	github.com/gofrs/flock v0.13.2
	github.com/tokentoss/tokentoss/core v0.1.0
	github.com/tokentoss/tokentoss/e2e/emulator v0.1.0
	github.com/tokentoss/tokentoss/plugins v0.1.0
)
