package cli

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"
)

func (c *commands) emulator() *cli.Command {
	return &cli.Command{
		Name: "emulator", Usage: "run a local Google and IAP, to try out and to test against", Category: "try it out",
		Description: "KIND is iap, oauth2-proxy or mod_oauth2. TCP is what TCP forwarding reaches, and where that is:\n" +
			"PROJECT/ZONE/NAME:PORT=HOST:PORT.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Usage: "listen on `ADDR`", Value: "127.0.0.1:0"},
			&cli.StringFlag{Name: "upstream", Usage: "guard `URL`", DefaultText: "a built-in app"},
			&cli.BoolFlag{Name: "tls", Usage: "speak https, for localhost and addresses"},
			&cli.StringSliceFlag{Name: "tls-name", Usage: "and for `NAME`; may be repeated"},
			&cli.StringFlag{Name: "tls-ca", Usage: "write the CA to trust to `FILE`"},
			&cli.BoolFlag{Name: "control", Usage: "serve the control API, for tests"},
			&cli.StringFlag{Name: "control-key", Usage: "write its key to `FILE`"},
			&cli.BoolFlag{Name: "access-tokens", Usage: "let IAP take access tokens, too"},
			&cli.StringFlag{Name: "client-secrets", Usage: "write the OAuth client to `FILE`"},
			&cli.StringFlag{Name: "device-client", Usage: "write the one for devices to `FILE`"},
			&cli.StringSliceFlag{Name: "account", Usage: "add account `EMAIL`; may be repeated"},
			&cli.StringSliceFlag{Name: "robot", Usage: "add service account `EMAIL`, too"},
			&cli.StringFlag{Name: "auto-consent", Usage: "sign in `EMAIL` without a person"},
			&cli.StringSliceFlag{Name: "instance", Usage: "forward to the `TCP` port"},
			&cli.DurationFlag{Name: "token-lifetime", Usage: "tokens live `TIME`", Value: time.Hour, DefaultText: "1h"},
			&cli.BoolFlag{Name: "until-eof", Usage: "end with standard input"},
			&cli.StringFlag{Name: "provider", Usage: "be another provider, as `JSON` says"},
			&cli.StringFlag{Name: "guard", Usage: "guard as `KIND` does", Value: "iap"},
		},
		Action: c.heavy(0, 0, emulate),
	}
}

// EmulatorOptions say what to emulate.
type EmulatorOptions struct {
	Listen           string
	Upstream         string // URL; "" is a built-in app
	TLS              bool
	TLSNames         []string // of its certificate, beside loopback's
	Control          bool     // serve the control API
	ControlKeyFile   string   // for its key; "" has it in the line that is printed
	AccessTokens     bool     // IAP takes them
	UntilEOF         bool     // end with standard input
	CAFile           string   // for the certificate of its authority; "" is a temporary file
	ClientFile       string   // for the OAuth client; "" is a temporary file
	DeviceClientFile string   // for the one for devices
	Accounts         []string
	ServiceAccounts  []string
	Instances        []string // of TCP forwarding, as PROJECT/ZONE/NAME:PORT=HOST:PORT
	AutoConsent      string   // the account that signs in without a person
	TokenLifetime    time.Duration
	Provider         string // JSON of an emulator.Provider; "" is Google
	Guard            string // a name of an emulator.Guard
}

func emulate(ctx context.Context, in *Invocation) error {
	client, err := in.path("client-secrets")
	if err != nil {
		return err
	}
	device, err := in.path("device-client")
	if err != nil {
		return err
	}
	ca, err := in.path("tls-ca")
	if err != nil {
		return err
	}
	key, err := in.path("control-key")
	if err != nil {
		return err
	}
	if !in.Bool("control") && key != "" {
		return Usage("emulator --control", "emulator: --control-key needs --control")
	}
	if !in.Bool("tls") && (in.IsSet("tls-name") || ca != "") {
		return Usage("emulator --tls", "emulator: --tls-name and --tls-ca need --tls")
	}
	return in.full.Emulator(ctx, in, EmulatorOptions{
		Listen: in.String("listen"), Upstream: in.String("upstream"),
		TLS: in.Bool("tls"), TLSNames: in.StringSlice("tls-name"), CAFile: ca,
		Control: in.Bool("control"), ControlKeyFile: key, AccessTokens: in.Bool("access-tokens"), UntilEOF: in.Bool("until-eof"),
		ClientFile: client, DeviceClientFile: device,
		Accounts: in.StringSlice("account"), ServiceAccounts: in.StringSlice("robot"), Instances: in.StringSlice("instance"),
		AutoConsent: in.String("auto-consent"), TokenLifetime: in.Duration("token-lifetime"),
		Provider: in.String("provider"), Guard: in.String("guard"),
	})
}
