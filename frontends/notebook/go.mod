module github.com/tokentoss/tokentoss/frontends/notebook

go 1.26.0

require (
	github.com/tokentoss/tokentoss/core v0.1.0
	github.com/tokentoss/tokentoss/core/profile v0.1.0
	github.com/tokentoss/tokentoss/e2e/emulator v0.1.0
	github.com/tokentoss/tokentoss/plugins v0.1.0
	github.com/tokentoss/tokentoss/stores/file v0.1.0
	github.com/tokentoss/tokentoss/stores/memory v0.1.0
	go.uber.org/goleak v1.3.0
)
