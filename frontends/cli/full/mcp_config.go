package full

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/profile"
)

// An mcpClient is a program that has a list of MCP servers.
type mcpClient struct {
	where string // the list is
	entry func(name string, s mcpServer) (string, error)
}

// An mcpServer is the entry of a server that a client starts.
type mcpServer struct {
	Type    string            `json:"type,omitempty" toml:"type,omitempty"`
	Command string            `json:"command" toml:"command"`
	Args    []string          `json:"args" toml:"args"`
	Timeout int               `json:"-" toml:"startup_timeout_sec"` // in seconds
	Env     map[string]string `json:"env,omitempty" toml:"env,omitempty"`
}

// mcpClients are those whose entries are known.
func mcpClients() map[string]mcpClient {
	return map[string]mcpClient{
		"claude-code":    {".mcp.json of a project, or: claude mcp add-json NAME 'ENTRY'", servers("mcpServers", "stdio")},
		"claude-desktop": {"claude_desktop_config.json, which Settings, Developer, Edit Config opens", servers("mcpServers", "")},
		"codex":          {"~/.codex/config.toml", codexServer},
		"cursor":         {"~/.cursor/mcp.json, or .cursor/mcp.json of a project", servers("mcpServers", "")},
		"gemini-cli":     {"~/.gemini/settings.json, or .gemini/settings.json of a project", servers("mcpServers", "")},
		"vscode":         {".vscode/mcp.json, or what the command MCP: Open User Configuration opens", servers("servers", "stdio")},
	}
}

func (mcpBridge) Config(_ context.Context, in *cli.Invocation, o cli.MCPConfigOptions) error {
	clients := mcpClients()
	client, ok := clients[o.Client]
	if !ok {
		return cli.Usage("one of "+strings.Join(slices.Sorted(maps.Keys(clients)), ", "), "mcp config: there is no entry for %q", o.Client)
	}
	server, err := serverEntry(in, o)
	if err != nil {
		return err
	}
	text, err := client.entry(o.Name, server)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(in.Stdout, strings.TrimSpace(text)); err != nil {
		return err
	}
	in.Say("it goes into %s", client.where)
	return nil
}

// serverEntry is the entry of this very executable, for the session that the options and
// the environment name now.
func serverEntry(in *cli.Invocation, o cli.MCPConfigOptions) (mcpServer, error) {
	own, err := os.Executable()
	if err != nil {
		return mcpServer{}, err
	}
	own = filepath.Join(filepath.Dir(own), "tokentoss"+filepath.Ext(own))
	var args []string
	for _, name := range []string{"config-dir", "profile", "store"} {
		value := in.String(name)
		if value == "" {
			continue
		}
		if name == "config-dir" { // a client has another working directory
			if value, err = in.Dir(); err != nil {
				return mcpServer{}, err
			}
		}
		args = append(args, "--"+name, value)
	}
	args = append(args, "mcp")
	for _, h := range o.Header {
		args = append(args, "--header", h)
	}
	for _, h := range o.HeaderEnv {
		args = append(args, "--header-env", h)
	}
	return mcpServer{Command: own, Args: append(args, o.URL), Env: mcpEnviron(os.Environ())}, nil
}

// keptEnv are the variables that an entry repeats: a client starts its servers with
// little of its own environment, and from a desktop it has little itself. They say which
// session is meant, how the network is reached, and where a browser can show itself.
var keptEnv = []string{
	profile.EnvConfigDir, profile.EnvTokenFile, profile.EnvInsecureLoopback,
	"XDG_CONFIG_HOME", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "WSL_DISTRO_NAME",
}

// mcpEnviron returns what of an environment an entry has. A proxy with a password is
// left out, which would be a secret in a file that people share.
func mcpEnviron(environ []string) map[string]string {
	env := make(map[string]string)
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		if value == "" || !slices.Contains(keptEnv, name) {
			continue
		}
		if u, err := url.Parse(value); strings.HasSuffix(strings.ToLower(name), "_proxy") && (err != nil || u.User != nil || strings.Contains(value, "@")) {
			continue
		}
		if name == profile.EnvConfigDir || name == profile.EnvTokenFile {
			if abs, err := filepath.Abs(value); err == nil && !strings.HasPrefix(value, "~") {
				value = abs
			}
		}
		env[name] = value
	}
	return env
}

// servers returns an entry in the JSON object of that name.
func servers(list, kind string) func(string, mcpServer) (string, error) {
	return func(name string, s mcpServer) (string, error) {
		s.Type = kind
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false) // & in a URL
		enc.SetIndent("", "  ")
		err := enc.Encode(map[string]map[string]mcpServer{list: {name: s}})
		return b.String(), err
	}
}

// codexServer is an entry of Codex, which waits for ten seconds where it is not told
// otherwise: too short for a person to sign in.
func codexServer(name string, s mcpServer) (string, error) {
	s.Timeout = 30
	text, err := toml.Marshal(map[string]map[string]mcpServer{"mcp_servers": {name: s}})
	return string(text), err
}
