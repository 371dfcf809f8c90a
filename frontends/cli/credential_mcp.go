package cli

import (
	"context"
	"encoding/json"
	"os"
	"time"
)

// mcpServerURL is where Claude Code says which server a headersHelper is asked for.
const mcpServerURL = "CLAUDE_CODE_MCP_SERVER_URL"

// mcpLeast is how long the token is valid at least, where the provider's live that long.
// It is asked for when a connection is made, and again after a refusal.
const mcpLeast = 30 * time.Minute

// credentialMCP is a headersHelper of Claude Code: it prints the headers of the requests
// to a server as one JSON object. Where the caller says which server that is, it must be
// one of the profile's targets.
func credentialMCP(ctx context.Context, in *Invocation) error {
	if server := os.Getenv(mcpServerURL); server != "" {
		if err := in.checkServer("a headersHelper", server, usagef("check the url of the server", "%s is not a URL", mcpServerURL)); err != nil {
			return err
		}
	}
	p, err := in.open(ctx, anyTokens, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	id, err := p.IDTokenFor(ctx, mcpLeast)
	if err != nil {
		return err
	}
	text, err := lineOf(id.Value)
	if err != nil {
		return err
	}
	return json.NewEncoder(in.Stdout).Encode(map[string]string{"Authorization": "Bearer " + text})
}
