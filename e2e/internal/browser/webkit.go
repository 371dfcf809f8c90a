package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A httpCarrier has the commands of a session at a server of WebDriver's.
type httpCarrier struct{ address, session string }

// endpoints are the commands as WebDriver has them over HTTP (section 6.6).
var endpoints = map[string]string{
	"Navigate": "POST /url", "Refresh": "POST /refresh", "Back": "POST /back",
	"NewWindow": "POST /window/new", "GetWindowHandle": "GET /window", "GetWindowHandles": "GET /window/handles", "SwitchToWindow": "POST /window",
	"CloseWindow": "DELETE /window", "SetWindowRect": "POST /window/rect",
	"ExecuteScript": "POST /execute/sync", "PerformActions": "POST /actions", "FindElement": "POST /element",
	"ElementClick": "POST /element/{id}/click", "ElementSendKeys": "POST /element/{id}/value",
	"TakeScreenshot": "GET /screenshot", "TakeElementScreenshot": "GET /element/{id}/screenshot",
}

func (c httpCarrier) call(command string, parameters map[string]any) (json.RawMessage, error) {
	method, path, _ := strings.Cut(endpoints[command], " ")
	if id, ok := parameters["id"].(string); ok {
		path = strings.Replace(path, "{id}", id, 1)
	}
	return c.request(method, "/session/"+c.session+path, parameters, Patience/3)
}

func (c httpCarrier) request(method, path string, parameters any, patience time.Duration) (json.RawMessage, error) {
	var body io.Reader
	if method == http.MethodPost {
		content, err := json.Marshal(parameters)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(content)
	}
	r, err := http.NewRequest(method, c.address+path, body)
	if err != nil {
		return nil, err
	}
	client := http.Client{Timeout: patience}
	res, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var answer struct{ Value json.RawMessage }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("%s %s: %s: %w", method, path, res.Status, err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: %s", method, path, answer.Value)
	}
	return answer.Value, nil
}

// startWebKit starts WebKitGTK's own small browser by its WebDriver, on a screen of its own.
func startWebKit(t *testing.T, theme Theme) engine {
	t.Helper()
	driver := need(t, "WebKitWebDriver")
	browsers, _ := filepath.Glob("/usr/lib*/*/webkit2gtk-4.1/MiniBrowser")
	if len(browsers) == 0 {
		t.Skip("there is no MiniBrowser of WebKitGTK here")
	}
	home := t.TempDir()
	settings := filepath.Join(home, ".config", "gtk-3.0")
	dark := fmt.Sprintf("[Settings]\ngtk-application-prefer-dark-theme=%t\n", theme == Dark)
	if err := os.MkdirAll(settings, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(settings, "settings.ini"), []byte(dark), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := []string{"DISPLAY=" + screen(t), "HOME=" + home, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "NO_AT_BRIDGE=1", "GDK_BACKEND=x11"}

	c := httpCarrier{address: "http://" + freeAddress(t)}
	start(t, exec.Command(driver, "--port="+c.address[strings.LastIndexByte(c.address, ':')+1:]), environment)
	options := map[string]any{"binary": browsers[0], "args": []string{"--automation"}}
	capabilities := map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{"webkitgtk:browserOptions": options}}}
	var made struct{ SessionID string }
	err := wait(func() error {
		value, err := c.request(http.MethodPost, "/session", capabilities, Patience)
		if err != nil {
			return err
		}
		return json.Unmarshal(value, &made)
	})
	if err != nil {
		t.Fatalf("WebKitGTK does not start: %v", err)
	}
	c.session = made.SessionID
	t.Cleanup(func() { _, _ = c.request(http.MethodDelete, "/session/"+c.session, nil, Patience/3) })
	return newWebDriver(t, webKit{c, theme})
}

// A webKit takes its theme from its screen, when it starts.
type webKit struct {
	httpCarrier
	theme Theme
}

func (w webKit) looks(theme Theme) error {
	if theme != w.theme {
		return errNotHere
	}
	return nil
}

// screen starts a screen that nobody sees, and returns its name.
func screen(t *testing.T) string {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	c := exec.Command(need(t, "Xvfb"), "-displayfd", "3", "-screen", "0", "1800x1000x24", "-nolisten", "tcp")
	c.ExtraFiles = []*os.File{writer}
	start(t, c, os.Environ())
	writer.Close()
	if err := reader.SetReadDeadline(time.Now().Add(Patience)); err != nil {
		t.Fatal(err)
	}
	number, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb does not start: %v", err)
	}
	return ":" + strings.TrimSpace(number)
}

// freeAddress is one that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// need returns the path of a program.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("there is no %s here; make test-browsers installs it", program)
	}
	return path
}

// start starts a program, which ends with t.
func start(t *testing.T, c *exec.Cmd, environment []string) {
	t.Helper()
	var output bytes.Buffer
	c.Env, c.Stdout, c.Stderr = environment, &output, &output
	c.WaitDelay = 5 * time.Second // what it started may have its output still
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", c.Path, output.Bytes())
		}
	})
}
