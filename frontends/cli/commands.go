package cli

import (
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// commands makes the command tree of one run.
type commands struct {
	program Program
	args    []string // the command line as it was given
	say     messages
}

// all returns every command, in the order of the help.
func (c *commands) all() []*cli.Command {
	list := []*cli.Command{
		c.configure(),
		c.login(),
		{Name: "logout", Usage: "revoke the session at the provider, then forget it", Category: "account",
			Flags:  []cli.Flag{&cli.BoolFlag{Name: "local", Usage: "only forget it here; nothing is sent"}},
			Action: c.run(0, 0, logout)},
		{Name: "status", Usage: "who is signed in, with which client and store, until when", Category: "account",
			Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "as JSON"}},
			Action: c.run(0, 0, status)},
		c.token(),
	}
	for _, method := range []string{"get", "post", "put", "patch", "delete"} {
		list = append(list, c.request(method))
	}
	return append(list,
		&cli.Command{Name: "curl", Usage: "run curl with the token, which it gets through a pipe", Category: "requests",
			ArgsUsage: "URL -- CURL-ARGUMENTS", Action: c.run(1, -1, curl)},
		&cli.Command{Name: "exec", Usage: "run a command with the token as IAP_TOKEN in its environment", Category: "requests",
			ArgsUsage: "-- COMMAND [ARGUMENTS]", Action: c.run(1, -1, execute)},
		c.credential(), c.serve(), c.proxy(), c.metadata(), c.rpc(),
		c.profiles(),
		c.stores(),
		c.plugins(),
		c.doctor(),
		c.emulator(),
		&cli.Command{Name: "demo", Usage: "sign in and fetch, against the emulator", Category: "try it out",
			Action: c.heavy("demo", 0, 0)},
		c.completion(),
	)
}

// run makes an action of f, which takes from least to most arguments (-1: any
// number).
func (c *commands) run(least, most int, f Action) cli.ActionFunc {
	return func(ctx *cli.Context) error {
		// Not FullName, which leaves the parent out.
		path := ctx.Command.HelpName
		name := strings.TrimPrefix(path, "tokentoss ")
		switch n := ctx.NArg(); {
		case ctx.Duration("timeout") < 0:
			return usagef("a duration is like 90s or 5m", "%s: --timeout is less than nothing", name)
		case n < least:
			return usagef(path+" --help", "%s needs %s", name, ctx.Command.ArgsUsage)
		case most >= 0 && n > most:
			return usagef(path+" --help", "%s: unexpected argument %q", name, ctx.Args().Get(most))
		}
		return f(ctx.Context, c.invocation(ctx))
	}
}

func (c *commands) invocation(ctx *cli.Context) *Invocation {
	p := c.program
	return &Invocation{Context: ctx, Stdin: p.Stdin, Stdout: p.Stdout, Stderr: p.Stderr, args: c.args, host: p.Host, say: c.say}
}

// heavy is the action of a command that only the host has.
func (c *commands) heavy(name string, least, most int) cli.ActionFunc {
	if c.program.Host == nil {
		return c.run(least, most, delegate)
	}
	return c.run(least, most, c.program.Host.Commands[name])
}

func (c *commands) configure() *cli.Command {
	return &cli.Command{
		Name: "configure", Usage: "set the OAuth client to sign in with", Category: "account",
		Description: "The client is of the type \"Desktop app\". Either give the file that the Google Cloud\n" +
			"console offers for download (--from), or the client's ID; its secret is then asked for.\n" +
			"A FILE may be -, for standard input.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "read the client from `FILE`, a client_secrets.json"},
			&cli.StringFlag{Name: "client-id", Usage: "the client's `ID`"},
			&cli.StringFlag{Name: "client-secret-file", Usage: "read the secret from `FILE`"},
			&cli.StringFlag{Name: "project", Usage: "the client's Google Cloud project `ID`"},
			&cli.StringFlag{Name: "issuer", Usage: "the OpenID provider's `URL`, if it is not Google"},
		},
		Action: c.run(0, 0, configure),
	}
}

func (c *commands) login() *cli.Command {
	return &cli.Command{
		Name: "login", Usage: "sign in, in your own browser", Category: "account",
		Description: "The browser may be on another machine: paste the address it ends on into the terminal.\n" +
			"Where that cannot be done, --device shows a code to type in at the provider. Google wants\n" +
			"an OAuth client of the type \"TVs and Limited Input devices\" for it, in a profile of its own.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "device", Usage: "sign in on another device, by a code"},
			&cli.BoolFlag{Name: "no-browser", Usage: "only show the address to open"},
			&cli.StringFlag{Name: "browser", Usage: "open the address with `CMD`; none is --no-browser"},
			&cli.IntFlag{Name: "redirect-port", Usage: "listen on port `N` here", DefaultText: "a free one"},
			&cli.DurationFlag{Name: "timeout", Usage: "wait for this `TIME`", Value: 5 * time.Minute},
			&cli.StringFlag{Name: "login-hint", Usage: "suggest the account `EMAIL`"},
			&cli.StringSliceFlag{Name: "scope", Usage: "ask for scope `S` too; may be repeated"},
		},
		Action: c.run(0, 0, login),
	}
}

func (c *commands) token() *cli.Command {
	return &cli.Command{
		Name: "token", Usage: "print a valid ID token", Category: "requests", ArgsUsage: "[URL]",
		Description: "Standard output is the token and nothing else. Formats:\n" +
			"  raw     the token\n" +
			"  header  Authorization: Bearer TOKEN\n" +
			"  json    the token, whose it is, and when it expires\n" +
			"  env     export IAP_TOKEN=TOKEN, for eval\n" +
			"  curl    a configuration for curl --config -\n" +
			"  cookie  a cookie jar for URL, or NAME=VALUE without one",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "jar", Usage: "put the cookie into `FILE`, a cookie jar; prints nothing"},
			&cli.StringFlag{Name: "format", Usage: "one of the `FORMAT`s above", Value: "raw"},
			&cli.BoolFlag{Name: "access", Usage: "the access token, for Google's APIs; IAP does not take it"},
		},
		Action: c.run(0, 1, token),
	}
}

func (c *commands) request(method string) *cli.Command {
	flags := []cli.Flag{
		&cli.StringSliceFlag{Name: "header", Aliases: []string{"H"}, Usage: "send header `H`, \"Name: value\"; may be repeated"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the body to `FILE`"},
		&cli.BoolFlag{Name: "include", Aliases: []string{"i"}, Usage: "print status and headers before the body"},
		&cli.DurationFlag{Name: "timeout", Usage: "give up after `TIME`", DefaultText: "never"},
	}
	if method != "get" {
		flags = append(flags,
			&cli.StringFlag{Name: "json", Usage: "send JSON `DATA`, or @FILE, or @- for standard input"},
			&cli.StringFlag{Name: "data", Usage: "send `DATA`, or @FILE, or @- for standard input"})
	}
	return &cli.Command{
		Name: method, Usage: "send a " + strings.ToUpper(method) + " request to a service", Category: "requests", ArgsUsage: "URL",
		Flags: flags, Action: c.run(1, 1, request),
	}
}

// group makes a command that only has commands below it.
func group(name, usage, category string, below ...*cli.Command) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usage, Category: category, Subcommands: below,
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() > 0 {
				return unknownCommand(name, ctx.Args().First(), ctx.Command.Subcommands)
			}
			return cli.ShowSubcommandHelp(ctx)
		},
	}
}

func (c *commands) serve() *cli.Command {
	return &cli.Command{
		Name: "serve", Usage: "serve a page to sign in on, and tokens for local programs", Category: "requests",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Usage: "listen on `ADDR`, host:port of this machine", DefaultText: "a free port"},
			&cli.DurationFlag{Name: "for", Usage: "end after `TIME`", DefaultText: "never"},
			&cli.BoolFlag{Name: "no-browser", Usage: "only show the address to open"},
			&cli.StringFlag{Name: "browser", Usage: "open the page with `CMD`; none is --no-browser"},
		},
		Action: c.heavy("serve", 0, 0),
	}
}

func (c *commands) proxy() *cli.Command {
	return &cli.Command{
		Name: "proxy", Usage: "give services behind IAP an address on this machine, for any tool", Category: "requests",
		ArgsUsage: "TARGET...",
		Description: "A TARGET is the service's URL, or, where there are several,\n" +
			"  NAME=URL   for http://NAME.localhost:PORT/\n" +
			"  /PATH=URL  for http://localhost:PORT/PATH\n" +
			"Without one, those of config.toml are served: targets in [frontends.proxy].",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Usage: "listen on `ADDR`: host:port, or unix:/PATH", DefaultText: "a free port"},
			&cli.DurationFlag{Name: "for", Usage: "end after `TIME`", DefaultText: "never"},
			&cli.StringFlag{Name: "secret", Usage: "`KIND` of secret that tools show: new, keep or none", DefaultText: "new"},
			&cli.StringFlag{Name: "log", Usage: "log `WHICH` requests: errors, all or none", DefaultText: "errors"},
			&cli.StringFlag{Name: "log-file", Usage: "log to `FILE`", DefaultText: "the terminal"},
			&cli.BoolFlag{Name: "json", Usage: "log as JSON"},
		},
		Action: c.heavy("proxy", 0, -1),
	}
}

func (c *commands) rpc() *cli.Command {
	return &cli.Command{
		Name: "rpc", Usage: "serve sessions to a program, such as a notebook's", Category: "requests", Hidden: true,
		Description: "JSON-RPC 2.0, one message a line; see docs/rpc.md.",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "stdio", Usage: "on standard input and output"}},
		Action:      c.heavy("rpc", 0, 0),
	}
}

func (c *commands) metadata() *cli.Command {
	return &cli.Command{
		Name: "metadata", Usage: "be the metadata server of a Google Cloud machine, for Google's libraries", Category: "requests",
		Description: "It answers with ID tokens. Programs find it by GCE_METADATA_HOST, which is printed.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Usage: "listen on `ADDR`, a loopback host:port", DefaultText: "a free port"},
			&cli.DurationFlag{Name: "for", Usage: "end after `TIME`", DefaultText: "never"},
			&cli.BoolFlag{Name: "any-audience", Usage: "give the token also to who asks for another audience"},
			&cli.StringFlag{Name: "guard", Usage: "`WHAT` keeps others out: owner, path or none", DefaultText: "owner"},
			&cli.StringFlag{Name: "project", Usage: "the `ID` of the project to be in", DefaultText: "none"},
		},
		Action: c.heavy("metadata", 0, 0),
	}
}

func (c *commands) stores() *cli.Command {
	return group("store", "where the session is kept, and how to move it", "setup",
		&cli.Command{Name: "list", Usage: "list the stores, what protects each, and which one is in use", Action: c.heavy("store list", 0, 0)},
		&cli.Command{Name: "use", Usage: "keep the session in a store from now on", ArgsUsage: "STORE", Action: c.heavy("store use", 1, 1)},
		&cli.Command{Name: "lock", Usage: "forget passphrases and keys that are kept in memory", Action: c.run(0, 0, storeLock)},
		&cli.Command{Name: "migrate", Usage: "copy sessions from one store to another, and check them there", Action: c.heavy("store migrate", 0, 0), Flags: []cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "the `STORE` that has them", DefaultText: "the one in use"},
			&cli.StringFlag{Name: "to", Usage: "the `STORE` that shall have them"},
			&cli.BoolFlag{Name: "delete-source", Usage: "then delete them where they were"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace other sessions that are there"},
		}})
}

func (c *commands) plugins() *cli.Command {
	return group("plugin", "stores and frontends that others have written", "setup",
		&cli.Command{Name: "list", Usage: "list the plugins: those of tokentoss, and those that are installed", Action: c.heavy("plugin list", 0, 0), Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "as JSON"}}},
		&cli.Command{Name: "install", Usage: "copy an executable here, and pin it", ArgsUsage: "PATH", Action: c.heavy("plugin install", 1, 1), Flags: []cli.Flag{
			&cli.StringFlag{Name: "sha256", Usage: "refuse a file whose SHA-256 is not `HEX`"}}},
		&cli.Command{Name: "describe", Usage: "what a plugin is, and its settings", ArgsUsage: "PLUGIN", Action: c.heavy("plugin describe", 1, 1), Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "as JSON"}}},
		&cli.Command{Name: "verify", Usage: "check that installed plugins are what was installed", ArgsUsage: "[PLUGIN]", Action: c.heavy("plugin verify", 0, 1)},
		&cli.Command{Name: "remove", Usage: "remove an installed plugin", ArgsUsage: "PLUGIN", Action: c.heavy("plugin remove", 1, 1)})
}

func (c *commands) profiles() *cli.Command {
	return group("profile", "several accounts, clients and providers side by side", "account",
		&cli.Command{Name: "list", Usage: "list the profiles; * is the one in use", Action: c.run(0, 0, profileList)},
		&cli.Command{Name: "use", Usage: "use a profile from now on", ArgsUsage: "PROFILE", Action: c.run(1, 1, profileUse)},
		&cli.Command{Name: "add", Usage: "make a profile", ArgsUsage: "NAME", Action: c.run(1, 1, profileAdd), Flags: []cli.Flag{
			&cli.StringFlag{Name: "flow", Usage: "sign in by `FLOW`, or be a machine", DefaultText: "browser"},
			&cli.StringFlag{Name: "issuer", Usage: "the OpenID provider's `URL`, if it is not Google"},
			&cli.StringFlag{Name: "hosted-domain", Usage: "accounts of Workspace `DOMAIN` only"},
			&cli.StringFlag{Name: "login-hint", Usage: "the account `EMAIL` to suggest"},
			&cli.StringFlag{Name: "session-lifetime", Usage: "sign in anew after `TIME`; 0 is never"},
			&cli.StringFlag{Name: "browser", Usage: "open addresses with `CMD`"},
			&cli.StringFlag{Name: "audience", Usage: "a machine's tokens are for `AUDIENCE`"},
			&cli.StringFlag{Name: "key-file", Usage: "a machine's key is `FILE`"},
			&cli.StringFlag{Name: "service-account", Usage: "become service account `EMAIL`"},
		}},
		&cli.Command{Name: "remove", Usage: "sign out of a profile and remove it", ArgsUsage: "PROFILE", Action: c.run(1, 1, profileRemove)})
}

func (c *commands) doctor() *cli.Command {
	return &cli.Command{
		Name: "doctor", Usage: "say why IAP refuses, and what to do", Category: "setup", ArgsUsage: "[URL]",
		Description: "Without a URL it checks configuration, store, provider, clock and session; with one,\n" +
			"also the way there, what IAP says, and what the service does. It never signs in.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "as JSON"},
			&cli.DurationFlag{Name: "timeout", Usage: "wait for an answer for this `TIME`", Value: 15 * time.Second},
		},
		Action: c.heavy("doctor", 0, 1),
	}
}

func (c *commands) emulator() *cli.Command {
	return &cli.Command{
		Name: "emulator", Usage: "run a local Google and IAP, to try out and to test against", Category: "try it out",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Usage: "listen on `ADDR`", Value: "127.0.0.1:0"},
			&cli.StringFlag{Name: "upstream", Usage: "guard `URL`", DefaultText: "a built-in app"},
			&cli.StringFlag{Name: "client-secrets", Usage: "write the OAuth client to `FILE`"},
			&cli.StringFlag{Name: "device-client", Usage: "write the one for devices to `FILE`"},
			&cli.StringSliceFlag{Name: "account", Usage: "add account `EMAIL`; may be repeated"},
			&cli.StringSliceFlag{Name: "robot", Usage: "add service account `EMAIL`, too"},
			&cli.StringFlag{Name: "auto-consent", Usage: "sign in `EMAIL` without a person"},
			&cli.DurationFlag{Name: "token-lifetime", Usage: "tokens live `TIME`", Value: time.Hour, DefaultText: "1h"},
			&cli.StringFlag{Name: "provider", Usage: "answer as another provider than Google, as `JSON` says"},
			&cli.StringFlag{Name: "guard", Usage: "guard with `NAME`: iap, oauth2-proxy or mod_oauth2", Value: "iap"},
		},
		Action: c.heavy("emulator", 0, 0),
	}
}

func (c *commands) completion() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print a completion script: bash, zsh, fish or pwsh", Category: "setup", ArgsUsage: "SHELL",
		Action: c.run(1, 1, completion),
	}
}

// interactive tells whether a person may be asked.
func (in *Invocation) interactive() bool { return !in.Bool("non-interactive") }
