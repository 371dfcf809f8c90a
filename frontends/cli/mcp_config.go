package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// mcpClients are the programs for whose lists of MCP servers there are entries.
var mcpClients = []string{"claude-code", "claude-desktop", "codex", "cursor", "gemini-cli", "vscode"}

func (c *commands) mcpConfig() *cli.Command {
	return &cli.Command{
		Name: "config", Usage: "print the entry of an MCP server for the list of a client", ArgsUsage: "CLIENT NAME URL",
		Description: "CLIENT is one of " + strings.Join(mcpClients, ", ") + ".\n" +
			"NAME is what the server is called there. Standard output is the entry; standard error says\n" +
			"where it goes.",
		Flags:  headerFlags(),
		Action: c.heavy(3, 3, mcpConfig),
	}
}

// MCPConfigOptions say which server an entry is for, and in whose list.
type MCPConfigOptions struct {
	Client string // one of those that the help names
	Name   string // of the server
	URL    string

	Header, HeaderEnv []string // as on the command line
}

func mcpConfig(ctx context.Context, in *Invocation) error {
	args := in.Args().Slice()
	if !isServerName(args[1]) {
		return usagef("letters, digits, - and _, up to 64", "mcp config: %q is no name that all clients take", args[1])
	}
	target, err := in.target(args[2])
	if err != nil {
		return err
	}
	header, err := in.serverHeader(func(string) (string, bool) { return "", true })
	if err != nil {
		return err
	}
	for name, values := range header {
		if mayBeSecret(name) && slices.ContainsFunc(values, func(v string) bool { return v != "" }) {
			return usagef("--header-env "+name+"=VARIABLE", "mcp config: the value of header %s would stand in the entry, where others see it", name)
		}
	}
	return in.full.MCP.Config(ctx, in, MCPConfigOptions{
		Client: args[0], Name: args[1], URL: target, Header: in.StringSlice("header"), HeaderEnv: in.StringSlice("header-env"),
	})
}

// mayBeSecret tells whether a header of that name has a credential.
func mayBeSecret(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "cookie", "key", "pass", "secret", "token"}, func(word string) bool { return strings.Contains(name, word) })
}

// isServerName tells whether every client takes a name as it is.
func isServerName(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
}
