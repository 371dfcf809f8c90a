module github.com/tokentoss/tokentoss/frontends/cli

go 1.26.0

require (
	github.com/cli/browser v1.3.0
	github.com/creack/pty v1.1.24
	github.com/gofrs/flock v0.13.2
	github.com/tokentoss/tokentoss/core v0.1.0
	github.com/tokentoss/tokentoss/core/profile v0.1.0
	github.com/tokentoss/tokentoss/e2e/emulator v0.1.0
	github.com/tokentoss/tokentoss/plugins v0.1.0
	github.com/tokentoss/tokentoss/stores/encrypted v0.1.0
	github.com/tokentoss/tokentoss/stores/keyring v0.1.0
	github.com/urfave/cli/v2 v2.27.7
	github.com/xrash/smetrics v0.0.0-20240521201337-686a1a2994c1
	golang.org/x/term v0.47.0
)

require (
	github.com/cpuguy83/go-md2man/v2 v2.0.7 // indirect
	github.com/go-jose/go-jose/v4 v4.1.9 // indirect
	github.com/pelletier/go-toml/v2 v2.4.3 // indirect
	github.com/russross/blackfriday/v2 v2.1.0 // indirect
	github.com/tokentoss/tokentoss/stores/file v0.1.0 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
