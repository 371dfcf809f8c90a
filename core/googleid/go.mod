module github.com/tokentoss/tokentoss/core/googleid

go 1.26.0

require (
	github.com/go-jose/go-jose/v4 v4.1.9
	github.com/tokentoss/tokentoss/core v0.1.0
	github.com/tokentoss/tokentoss/e2e/emulator v0.1.0
	github.com/tokentoss/tokentoss/stores/file v0.1.0
	go.uber.org/goleak v1.3.0
	golang.org/x/oauth2 v0.37.0
	google.golang.org/api v0.311.0
)
