//go:build linux

package jupyter_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// A server is a Jupyter server, with JupyterLab and Notebook on it, and with nothing
// of the person who runs the tests.
type server struct {
	venv  string
	home  string // of the server, and of nothing else
	root  string // where notebooks are
	url   string // with the base URL and a slash at the end
	token string
	said  *transcript

	lab *browser.Tab // a JupyterLab that flows share, unless something went wrong in it
}

// serverToken is what the browser shows to the server.
const serverToken = "a-token-of-the-jupyter-server"

// settings are what a person has chosen in JupyterLab: to save the state of widgets,
// which is what tests look into, and not to be asked about news.
var settings = map[string]any{
	"@jupyter-widgets/jupyterlab-manager/plugin":       map[string]any{"saveState": true},
	"@jupyterlab/notebook-extension/tracker":           map[string]any{"windowingMode": "none"},
	"@jupyterlab/docmanager-extension/plugin":          map[string]any{"autosave": false},
	"@jupyterlab/apputils-extension/notification":      map[string]any{"fetchNews": "false", "checkForUpdates": false},
	"@jupyterlab/completer-extension/manager":          map[string]any{"autoCompletion": false},
	"@jupyter-notebook/notebook-extension/checkpoints": map[string]any{"checkpointPollingInterval": 3600},
}

// startServer starts a server under a base URL, "/" or such as "/user/ada/". It ends
// with t, and all that it started with it.
func startServer(t *testing.T, baseURL string) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{venv: environment(t), home: filepath.Join(dir, "server"), root: filepath.Join(dir, "notebooks"), token: serverToken}
	config := map[string]any{
		"ServerApp": map[string]any{
			"ip": "127.0.0.1", "port": 0, "base_url": baseURL, "root_dir": s.root, "open_browser": false, "allow_root": true,
			"use_redirect_file": false,
		},
		"IdentityProvider":   map[string]any{"token": s.token},
		"LabApp":             map[string]any{"expose_app_in_browser": true, "extension_manager": "readonly", "news_url": nil},
		"JupyterNotebookApp": map[string]any{"expose_app_in_browser": true},
	}
	writeJSON(t, filepath.Join(s.home, "config", "jupyter_server_config.json"), config)
	for plugin, chosen := range settings {
		writeJSON(t, filepath.Join(s.home, "settings", plugin+".jupyterlab-settings"), chosen)
	}
	if err := os.MkdirAll(s.root, 0o755); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(filepath.Join(s.venv, "bin", "jupyter-lab"))
	c.Dir, c.Env = s.root, s.environ()
	s.start(t, c)
	return s
}

// environ is the environment of the server.
func (s *server) environ() []string {
	return []string{
		"PATH=" + filepath.Join(s.venv, "bin") + ":" + os.Getenv("PATH"), "LANG=C.UTF-8",
		"HOME=" + s.home, "JUPYTER_CONFIG_DIR=" + filepath.Join(s.home, "config"), "JUPYTER_DATA_DIR=" + s.data(),
		"JUPYTER_RUNTIME_DIR=" + filepath.Join(s.home, "runtime"),
		"JUPYTERLAB_SETTINGS_DIR=" + filepath.Join(s.home, "settings"), "JUPYTERLAB_WORKSPACES_DIR=" + filepath.Join(s.home, "workspaces"),
		// A proxy of the machine is not for the loopback interface.
		"NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost",
	}
}

// command is a command of Jupyter, beside the server.
func (s *server) command(args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.venv, "bin", "jupyter"), args...)
	c.Dir, c.Env = s.root, s.environ()
	return c
}

// data is where the server looks for kernels.
func (s *server) data() string { return filepath.Join(s.home, "data") }

var serverAddress = regexp.MustCompile(`(http://127\.0\.0\.1:\d+/\S*?)(lab|tree)\?token=`)

// start starts c and waits until it says where it serves.
func (s *server) start(t *testing.T, c *exec.Cmd) {
	t.Helper()
	pipe, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	// Tests that are killed end nothing themselves.
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	s.said = read(pipe)
	ended := make(chan struct{})
	t.Cleanup(func() {
		s.stop(t)
		select {
		case <-ended:
		case <-time.After(browser.Patience):
			t.Error("the Jupyter server does not end")
			_ = c.Process.Kill()
			<-ended
		}
		wantNoProcess(t, s.home)
	})
	go func() {
		defer close(ended)
		<-s.said.done
		_ = c.Wait()
	}()
	line := s.said.wait(t, serverAddress)
	s.url = serverAddress.FindStringSubmatch(line)[1]
}

// stop has the server end itself and its kernels.
func (s *server) stop(t *testing.T) {
	if s.url != "" {
		s.api(t, http.MethodPost, "api/shutdown", nil)
	}
}

// api calls the server's API, and reads its answer into answer unless that is nil.
func (s *server) api(t *testing.T, method, path string, answer any) {
	t.Helper()
	r, err := http.NewRequest(method, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "token "+s.token)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: browser.Patience}
	res, err := client.Do(r)
	if err != nil {
		t.Errorf("the Jupyter server: %v\n%s", err, s.said.text())
		return
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		t.Errorf("the Jupyter server: %s %s: %s, %v\n%s", method, path, res.Status, err, body)
		return
	}
	if answer != nil {
		if err := json.Unmarshal(body, answer); err != nil {
			t.Error(err)
		}
	}
}

// kernel makes a kernel known by a name: how it is started, and what its environment
// has beside the server's.
func (s *server) kernel(t *testing.T, name, language string, argv []string, env map[string]string) {
	t.Helper()
	writeJSON(t, filepath.Join(s.data(), "kernels", name, "kernel.json"),
		map[string]any{"argv": argv, "display_name": name, "language": language, "env": env, "metadata": map[string]any{}})
}

// A transcript is what a process says, line by line.
type transcript struct {
	done chan struct{} // closed at its end

	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed and made anew with each line
}

func read(r io.Reader) *transcript {
	tr := &transcript{done: make(chan struct{}), more: make(chan struct{})}
	go func() {
		defer close(tr.done)
		for b := bufio.NewReader(r); ; {
			line, err := b.ReadString('\n')
			if err != nil {
				return
			}
			tr.mu.Lock()
			tr.lines = append(tr.lines, strings.TrimSuffix(line, "\n"))
			close(tr.more)
			tr.more = make(chan struct{})
			tr.mu.Unlock()
		}
	}()
	return tr
}

func (tr *transcript) text() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return strings.Join(tr.lines, "\n")
}

// wait returns the first line that is like want.
func (tr *transcript) wait(t *testing.T, want *regexp.Regexp) string {
	t.Helper()
	late := time.After(3 * browser.Patience) // a server loads for seconds, and longer on a busy machine
	for seen := 0; ; {
		tr.mu.Lock()
		lines, more := tr.lines[seen:], tr.more
		tr.mu.Unlock()
		seen += len(lines)
		for _, line := range lines {
			if want.MatchString(line) {
				return line
			}
		}
		select {
		case <-more:
		case <-tr.done:
			t.Fatalf("it ended, and did not say %s:\n%s", want, tr.text())
		case <-late:
			t.Fatalf("it does not say %s:\n%s", want, tr.text())
		}
	}
}

func writeJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
