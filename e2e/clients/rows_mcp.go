package clients

// Bridge is a client's own MCP server, which is the remote one.
var Bridge = Way{
	Name:    "[mcp](mcp.md)",
	Expiry:  "the next message has a new one",
	Longest: "no limit",
	Token:   "with tokentoss alone",
}

// mcp are those that speak the Model Context Protocol.
var mcp = []Row{
	{
		Client: "Claude Code", Version: "2.1.332", Way: Bridge,
		Type:   []string{"tokentoss mcp config claude-code tools https://tools.example.com/mcp > .mcp.json"},
		Limits: "seen to connect; no model was asked",
		Test:   "e2e/mcp_clients_test.go#TestMCPClaudeCode",
	},
	{
		Client: "Claude Code", Version: "2.1.332", Way: Helper,
		Type:    []string{`"headersHelper": "tokentoss credential mcp"`},
		Expiry:  "it has to connect again",
		Longest: "30 minutes at least, 1 hour at most",
		Limits:  "in a folder that is trusted; see [headersHelper](mcp.md#headershelper)",
		Test:    "e2e/mcp_clients_test.go#TestMCPClaudeCode",
	},
	{
		Client: "Codex", Version: "0.171.0", Way: Bridge,
		Type:   []string{"tokentoss mcp config codex tools https://tools.example.com/mcp >> ~/.codex/config.toml"},
		Limits: "seen to list the tools; no model was asked",
		Test:   "e2e/mcp_clients_test.go#TestMCPCodex",
	},
	{
		Client: "Gemini CLI", Version: "0.61.0", Way: Bridge,
		Type:   []string{"tokentoss mcp config gemini-cli tools https://tools.example.com/mcp"},
		Limits: "seen to connect; no model was asked",
		Test:   "e2e/mcp_clients_test.go#TestMCPGeminiCLI",
	},
	{
		Client: "MCP Inspector, command line", Version: "2.12.0", Way: Bridge,
		Type: []string{"npx @modelcontextprotocol/inspector --cli --config .mcp.json --server tools --method tools/list"},
		Test: "e2e/mcp_clients_test.go#TestMCPInspector",
	},
	{
		Client: "MCP SDK for Go", Version: "1.8.0", Way: Bridge,
		Type: []string{`&mcp.CommandTransport{Command: exec.Command("tokentoss", "mcp", "https://tools.example.com/mcp")}`},
		Test: "e2e/mcp_test.go#TestMCPByTheSDK",
	},
	{
		Client: "MCP SDK for Python, FastMCP", Version: "mcp 2.3.0, fastmcp 4.2.3 as the server", Way: Bridge,
		Type: []string{`StdioServerParameters(command="tokentoss", args=["mcp", "https://tools.example.com/mcp"])`},
		Test: "e2e/mcp_clients_test.go#TestMCPClientsOfTheSDKs",
	},
	{
		Client: "MCP SDK for TypeScript", Version: "sdk 1.32.2, client 2.4.0", Way: Bridge,
		Type: []string{`new StdioClientTransport({ command: "tokentoss", args: ["mcp", "https://tools.example.com/mcp"] })`},
		Test: "e2e/mcp_clients_test.go#TestMCPClientsOfTheSDKs",
	},
}
