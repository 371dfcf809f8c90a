package full

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
)

// An entry has the names that its client reads, and no other: VS Code's schema refuses what
// it does not know.
func TestAnMCPEntryHasWhatItsClientReads(t *testing.T) {
	server := mcpServer{Command: "/bin/tokentoss", Args: []string{"mcp", "https://a.example/mcp?b&c"}, Env: map[string]string{"DISPLAY": ":0"}}
	for name, want := range map[string]struct {
		list string
		keys []string
	}{
		"vscode":         {"servers", []string{"args", "command", "env", "type"}},
		"claude-code":    {"mcpServers", []string{"args", "command", "env", "type"}},
		"claude-desktop": {"mcpServers", []string{"args", "command", "env"}},
		"cursor":         {"mcpServers", []string{"args", "command", "env"}},
		"gemini-cli":     {"mcpServers", []string{"args", "command", "env"}},
	} {
		text, err := mcpClients()[name].entry("tools", server)
		if err != nil {
			t.Fatal(err)
		}
		var list map[string]map[string]map[string]any
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatal(err)
		}
		entry := list[want.list]["tools"]
		if keys := slices.Sorted(maps.Keys(entry)); len(list) != 1 || len(list[want.list]) != 1 || !slices.Equal(keys, want.keys) {
			t.Errorf("%s: %s", name, text)
		}
		if kind, ok := entry["type"]; ok && kind != "stdio" {
			t.Errorf("%s: its type is %v", name, kind)
		}
	}
}
