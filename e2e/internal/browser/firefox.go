package browser

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A marionette has the commands of a session over Firefox's own connection, behind which
// there are those of WebDriver by other names (geckodriver speaks it too). A message is
// its length, a colon, and JSON.
type marionette struct {
	conn   net.Conn
	reader *bufio.Reader
	last   int // the number of the last command
}

func (m *marionette) call(command string, parameters map[string]any) (json.RawMessage, error) {
	return m.ask("WebDriver:"+command, parameters)
}

func (m *marionette) ask(command string, parameters map[string]any) (json.RawMessage, error) {
	m.last++
	message, err := json.Marshal([]any{0, m.last, command, parameters})
	if err != nil {
		return nil, err
	}
	if err := m.conn.SetDeadline(time.Now().Add(Patience)); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(m.conn, "%d:%s", len(message), message); err != nil {
		return nil, err
	}
	answer, err := m.read()
	if err != nil {
		return nil, err
	}
	var parts [4]json.RawMessage // 1, the number, an error, the result
	if err := json.Unmarshal(answer, &parts); err != nil {
		return nil, err
	}
	if string(parts[1]) != strconv.Itoa(m.last) {
		return nil, fmt.Errorf("%s: an answer to another command: %s", command, answer)
	}
	if string(parts[2]) != "null" {
		return nil, fmt.Errorf("%s: %s", command, parts[2])
	}
	// Some results stand in an object of their own.
	var wrapped map[string]json.RawMessage
	if json.Unmarshal(parts[3], &wrapped) == nil && len(wrapped) == 1 && wrapped["value"] != nil {
		return wrapped["value"], nil
	}
	return parts[3], nil
}

func (m *marionette) read() ([]byte, error) {
	length, err := m.reader.ReadString(':')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, ":"))
	if err != nil {
		return nil, err
	}
	message := make([]byte, n)
	_, err = io.ReadFull(m.reader, message)
	return message, err
}

// looks changes the preferences that a person has for it.
func (m *marionette) looks(theme Theme) error {
	scheme, colours := 1, 0
	switch theme {
	case Dark:
		scheme = 0
	case Forced:
		colours = 2
	}
	if _, err := m.ask("Marionette:SetContext", map[string]any{"value": "chrome"}); err != nil {
		return err
	}
	_, err := m.call("ExecuteScript", map[string]any{"args": []any{scheme, colours}, "script": `
		Services.prefs.setIntPref("layout.css.prefers-color-scheme.content-override", arguments[0]);
		Services.prefs.setIntPref("browser.display.document_color_use", arguments[1])`})
	_, back := m.ask("Marionette:SetContext", map[string]any{"value": "content"})
	return errors.Join(err, back)
}

// preferences of a Firefox: its popup blocker works as it does for people, and it asks
// nobody and nothing.
const preferences = `user_pref("marionette.port", 0);
user_pref("dom.disable_open_during_load", true);
user_pref("app.normandy.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
`

// startFirefox starts Firefox, which ends with t.
func startFirefox(t *testing.T) engine {
	t.Helper()
	path := need(t, "firefox-esr")
	profile := t.TempDir()
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(preferences), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, exec.Command(path, "--marionette", "--remote-allow-system-access", "--headless", "--no-remote", "--profile", profile, "about:blank"),
		append(os.Environ(), "HOME="+profile, "MOZ_HEADLESS_WIDTH=1700", "MOZ_HEADLESS_HEIGHT=1000"))
	m := &marionette{}
	err := wait(func() error {
		port, err := os.ReadFile(filepath.Join(profile, "MarionetteActivePort"))
		if err != nil {
			return err
		}
		m.conn, err = net.Dial("tcp", "127.0.0.1:"+string(port))
		return err
	})
	if err != nil {
		t.Fatalf("Firefox does not start: %v", err)
	}
	t.Cleanup(func() { _ = m.conn.Close() })
	m.reader = bufio.NewReader(m.conn)
	if err := m.conn.SetDeadline(time.Now().Add(Patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := m.read(); err != nil { // it says what it is
		t.Fatal(err)
	}
	if _, err := m.call("NewSession", map[string]any{}); err != nil {
		t.Fatal(err)
	}
	return newWebDriver(t, m)
}
