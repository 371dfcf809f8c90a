module github.com/tokentoss/tokentoss/plugins/examples/frontend-line

go 1.26.0

require (
	github.com/tokentoss/tokentoss/core v0.1.0
	github.com/tokentoss/tokentoss/e2e/emulator v0.1.0
	github.com/tokentoss/tokentoss/plugins v0.1.0
)
