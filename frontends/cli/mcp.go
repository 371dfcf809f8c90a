package cli

import (
	"context"
	"net/http"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
)

func (c *commands) mcp() *cli.Command {
	return &cli.Command{
		Name: "mcp", Usage: "be the MCP server at URL for a program that starts one", Category: "requests", ArgsUsage: "URL",
		Description: "It speaks the Model Context Protocol on standard input and output, and to URL streamable HTTP,\n" +
			"or HTTP with SSE. Programs start it themselves: tokentoss mcp config prints what makes them.",
		Flags:       headerFlags(),
		Action:      c.heavy(1, 1, mcp),
		Subcommands: []*cli.Command{c.mcpConfig()},
	}
}

// headerFlags are what a server wants that has a credential of its own. A variable keeps
// it out of the list of processes, and out of a file that people share.
func headerFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "header", Aliases: []string{"H"}, Usage: "send header `H`, \"Name: value\"; may be repeated"},
		&cli.StringSliceFlag{Name: "header-env", Usage: "send header NAME with what VARIABLE has: `N=V`"},
	}
}

// MCPOptions say which server it is.
type MCPOptions struct {
	URL    string
	Header http.Header // for the server itself
	Ask    bool        // whether a browser may be opened for the person to sign in
}

// MCP is what the complete executable does about it.
type MCP interface {
	// Serve is a server for the program that started this one, until that ends.
	Serve(context.Context, *Invocation, MCPOptions) error

	// Config prints the entry of a server.
	Config(context.Context, *Invocation, MCPConfigOptions) error
}

func mcp(ctx context.Context, in *Invocation) error {
	target, err := in.target(in.Args().First())
	if err != nil {
		return err
	}
	header, err := in.serverHeader(os.LookupEnv)
	if err != nil {
		return err
	}
	if isTerminal(in.Stdin) {
		in.say.say("this is for an MCP client, which starts it itself; tokentoss mcp config prints what makes it do so")
	}
	o := MCPOptions{URL: target, Header: header, Ask: in.interactive()}
	// A terminal, if there is one, is the client's.
	if err := in.Set("non-interactive", "true"); err != nil {
		return err
	}
	return in.full.MCP.Serve(ctx, in, o)
}

// serverHeader reads the options of [headerFlags]. Without the environment, values of
// variables are empty.
func (in *Invocation) serverHeader(lookup func(string) (string, bool)) (http.Header, error) {
	h := make(http.Header)
	add := func(name, value string) error {
		if err := checkHeader(name, value); err != nil {
			return err
		}
		if strings.EqualFold(name, "Host") || strings.EqualFold(name, "Proxy-Authorization") {
			return usagef("leave it out", "header %s is not for the server", name)
		}
		h.Add(name, strings.TrimSpace(value))
		return nil
	}
	for _, line := range in.StringSlice("header") {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, usagef(`-H "Name: value"`, "a header has a name, a colon and a value") // it may be a secret
		}
		if err := add(name, value); err != nil {
			return nil, err
		}
	}
	for _, line := range in.StringSlice("header-env") {
		name, variable, ok := strings.Cut(line, "=")
		if name = strings.TrimSpace(name); !ok || name == "" || variable == "" {
			return nil, usagef("--header-env NAME=VARIABLE", "--header-env has the names of a header and of an environment variable")
		}
		value, set := lookup(variable)
		if !set {
			return nil, usagef("set it where the program is started, such as in \"env\" of an MCP client's entry", "the environment variable %q, for header %s, is not set", variable, name)
		}
		if err := add(name, value); err != nil {
			return nil, err
		}
	}
	return h, nil
}
