module github.com/tokentoss/tokentoss/plugins

go 1.26.0

require (
	github.com/hashicorp/go-hclog v1.6.3
	github.com/hashicorp/go-plugin v1.8.0
	github.com/tokentoss/tokentoss/core v0.1.0
	github.com/tokentoss/tokentoss/e2e/emulator v0.1.0
	github.com/tokentoss/tokentoss/stores/file v0.1.0
	go.uber.org/goleak v1.3.0
	golang.org/x/oauth2 v0.37.0
	google.golang.org/grpc v1.85.0
	google.golang.org/protobuf v1.36.12
)
