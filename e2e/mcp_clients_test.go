//go:build linux

package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	pyenv "github.com/tokentoss/tokentoss/e2e/internal/python"
	"github.com/tokentoss/tokentoss/e2e/internal/suite"
	"github.com/tokentoss/tokentoss/emulator"
)

// What the tests of MCP clients install: the Python SDK and FastMCP, and from npm the
// TypeScript SDKs, the Inspector, and programs that people use.
var (
	mcpPython = sync.OnceValues(func() (string, error) {
		dir := filepath.Join(os.Getenv(binariesEnv), "mcp-python")
		return filepath.Join(dir, "bin", "python"), pyenv.Install(dir, "-r", "testdata/mcp/requirements.txt")
	})
	mcpNode = sync.OnceValues(func() (string, error) {
		dir := filepath.Join(os.Getenv(binariesEnv), "mcp-node")
		if err := os.CopyFS(dir, os.DirFS("testdata/mcp")); err != nil {
			return "", err
		}
		// Not "npm ci", which wants an optional package of the lock file that is for
		// Windows alone.
		cmd := exec.Command("npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("npm install: %w\n%s", err, out)
		}
		return dir, nil
	})
)

// installed returns what was installed once for all tests.
func installed(t *testing.T, install func() (string, error)) string {
	t.Helper()
	suite.Need(t, suite.Clients)
	path, err := install()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// node returns Node of a version that all of them take.
func node(t *testing.T, dir string) string {
	t.Helper()
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	path := filepath.Join(dir, "node_modules", "node-linux-"+arch, "bin", "node")
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// newFastMCP makes a machine on which ada is signed in to a server of FastMCP, whose
// transport is http or sse. Tokens are shorter than the tests.
func newFastMCP(t *testing.T, transport string) (m *machine, url string) {
	t.Helper()
	c := exec.Command(installed(t, mcpPython), "testdata/mcp/server.py", transport)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Env, c.Stderr = append(os.Environ(), "PYTHONWARNINGS=ignore"), os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server: %v", err)
	}
	m = newSession(t, emulator.Options{Upstream: "http://127.0.0.1:" + strings.TrimSpace(port), TokenLifetime: 2 * time.Second})
	m.setTargets(t, m.provider.IAPURL())
	return m, m.provider.IAPURL() + "/mcp"
}

// The protocol's own SDKs call the tools of servers of FastMCP, over tokens that are
// shorter than their sessions.
func TestMCPClientsOfTheSDKs(t *testing.T) {
	suite.Need(t, suite.Clients)
	for name, command := range map[string]func(t *testing.T) []string{
		"python auto": func(t *testing.T) []string {
			return []string{installed(t, mcpPython), "testdata/mcp/client.py", "auto"}
		},
		"python legacy": func(t *testing.T) []string {
			return []string{installed(t, mcpPython), "testdata/mcp/client.py", "legacy"}
		},
		"typescript 1": func(t *testing.T) []string { return nodeClient(t, "1") },
		"typescript 2": func(t *testing.T) []string { return nodeClient(t, "2") },
	} {
		for _, transport := range []string{"http", "sse"} {
			t.Run(name+" "+transport, func(t *testing.T) {
				m, url := newFastMCP(t, transport)
				words := append(command(t), filepath.Join(binaries(t), "tokentoss"), "mcp", url)
				c := exec.Command(words[0], words[1:]...)
				c.Env = m.env()
				in, err := c.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				p := start(t, c)
				waitUntil(t, "tokens are renewed", func() bool {
					select {
					case <-p.done:
						return true
					default:
						return m.refreshes() >= 2
					}
				})
				in.Close()
				if r := p.wait(t).wantCode(t, 0); !strings.Contains(r.stdout, "calls: ") {
					t.Errorf("%s\n%s", r.stdout, r.stderr)
				}
			})
		}
	}
}

func nodeClient(t *testing.T, sdk string) []string {
	dir := installed(t, mcpNode)
	return []string{node(t, dir), filepath.Join(dir, "client.mjs"), sdk}
}

// mcpConfig returns the entry of a server in the list of a client, as tokentoss prints it.
func (m *machine) mcpConfig(t *testing.T, client, name, url string) string {
	t.Helper()
	c := m.command("mcp", "config", client, name, url)
	c.Env = m.env()
	return finish(t, c).wantCode(t, 0).stdout
}

// program runs a program that people use, in a directory of ada's.
func (m *machine) program(t *testing.T, dir string, words ...string) string {
	t.Helper()
	c := exec.Command(words[0], words[1:]...)
	c.Dir, c.Env = dir, append(m.env(), "NO_COLOR=1", "TERM=dumb")
	r := finish(t, c)
	return r.stdout + r.stderr
}

// newProject makes a directory with files.
func (m *machine) newProject(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(m.home(), "project")
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, path, []byte(text))
	}
	return dir
}

// Where people had mcp-remote in their client's list, they have tokentoss: the Inspector
// takes the same entry.
func TestMCPInspector(t *testing.T) {
	dir := installed(t, mcpNode)
	m, url := newFastMCP(t, "http")
	project := m.newProject(t, map[string]string{".mcp.json": m.mcpConfig(t, "claude-code", "far", url)})
	inspector := func(args ...string) string {
		words := []string{node(t, dir), filepath.Join(dir, "node_modules/.bin/inspector"), "--cli", "--config", ".mcp.json", "--server", "far"}
		return m.program(t, project, append(words, args...)...)
	}
	if got := inspector("--method", "tools/list"); !strings.Contains(got, `"name": "add"`) || !strings.Contains(got, `"name": "steps"`) {
		t.Error(got)
	}
	if got := inspector("--method", "tools/call", "--tool-name", "add", "--tool-arg", "a=3", "--tool-arg", "b=4"); !strings.Contains(got, `"result": 7`) {
		t.Error(got)
	}
}

// Claude Code connects by the entry that is printed for it, and to a server that it
// reaches by itself, with a headersHelper.
func TestMCPClaudeCode(t *testing.T) {
	dir := installed(t, mcpNode)
	claude, err := filepath.Glob(filepath.Join(dir, "node_modules/@anthropic-ai/claude-code-linux-*/claude"))
	if err != nil || len(claude) != 1 {
		t.Fatalf("%q, %v", claude, err)
	}
	if err := os.Chmod(claude[0], 0o755); err != nil {
		t.Fatal(err)
	}
	m, url := newFastMCP(t, "http")
	project := m.newProject(t, map[string]string{".mcp.json": m.mcpConfig(t, "claude-code", "far", url)})
	helper := fmt.Sprintf(`{"type":"http","url":%q,"headersHelper":%q}`, url, filepath.Join(binaries(t), "tokentoss")+" credential mcp")
	m.program(t, project, claude[0], "mcp", "add-json", "helper", helper)
	m.program(t, project, claude[0], "mcp", "add-json", "bare", fmt.Sprintf(`{"type":"http","url":%q}`, url))
	m.trustClaude(t, project)
	time.Sleep(2 * time.Second) // the token has ended
	got := m.program(t, project, claude[0], "mcp", "list")
	for _, line := range strings.Split(got, "\n") {
		name, _, _ := strings.Cut(line, ":")
		if connected := strings.Contains(line, "Connected"); (name == "far" || name == "helper") && !connected || name == "bare" && connected {
			t.Error(line)
		}
	}
	wantWords(t, "the list", got, "far: ", "helper: ", "bare: ")
}

// trustClaude says in Claude Code's settings what a person says there at the beginning.
func (m *machine) trustClaude(t *testing.T, project string) {
	t.Helper()
	path := filepath.Join(m.home(), ".claude.json")
	var settings map[string]any
	if err := json.Unmarshal(mustRead(t, path), &settings); err != nil {
		t.Fatal(err)
	}
	own, ok := settings["projects"].(map[string]any)[project].(map[string]any)
	if !ok {
		t.Fatalf("no project %s in %v", project, settings["projects"])
	}
	own["hasTrustDialogAccepted"], own["enabledMcpjsonServers"] = true, []string{"far"}
	data, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, data)
}

func TestMCPGeminiCLI(t *testing.T) {
	dir := installed(t, mcpNode)
	m, url := newFastMCP(t, "http")
	project := m.newProject(t, map[string]string{".gemini/settings.json": m.mcpConfig(t, "gemini-cli", "far", url)})
	if err := os.MkdirAll(filepath.Join(m.home(), ".gemini"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(m.home(), ".gemini/trustedFolders.json"), []byte(fmt.Sprintf(`{%q:"TRUST_FOLDER"}`, project)))
	got := m.program(t, project, node(t, dir), filepath.Join(dir, "node_modules/.bin/gemini"), "mcp", "list")
	wantWords(t, "the list", got, "far: ", "- Connected")
}

// Codex's own server for editors tells which tools it found.
func TestMCPCodex(t *testing.T) {
	dir := installed(t, mcpNode)
	m, url := newFastMCP(t, "http")
	if err := os.MkdirAll(filepath.Join(m.home(), ".codex"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(m.home(), ".codex/config.toml"), []byte(m.mcpConfig(t, "codex", "far", url)))
	c := exec.Command(node(t, dir), filepath.Join(dir, "node_modules/.bin/codex"), "app-server")
	c.Env = m.env()
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, c)
	for _, line := range []string{
		`{"id":1,"method":"initialize","params":{"clientInfo":{"name":"near","title":"near","version":"1"}}}`,
		`{"method":"initialized"}`, `{"id":2,"method":"mcpServerStatus/list","params":{}}`,
	} {
		fmt.Fprintln(in, line)
	}
	waitUntil(t, "Codex has listed the tools", func() bool { return strings.Contains(p.stdout.String(), `{"id":2,`) })
	wantWords(t, "the list", p.stdout.String(), `"name":"far"`, `"add":{"name":"add"`)
	in.Close()
}
