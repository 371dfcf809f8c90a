//go:build unix

package e2e_test

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// shownCode is the code of a sign-in on another device, as the terminal shows it.
var shownCode = regexp.MustCompile(`type in this code there:\n\n  (\S+)\n`)

// newBox returns a machine whose client is one for devices, and a provider that may
// be asked so often.
func newBox(t *testing.T, interval time.Duration) *machine {
	t.Helper()
	m := newMachine(t, emulator.Options{
		Clients: []emulator.Client{{ID: "device-client", Secret: "s", Type: emulator.LimitedInput}}, DeviceInterval: interval,
	})
	c := m.command("configure", "--from", "-")
	c.Stdin = bytes.NewReader(m.provider.ClientSecretsOf(m.provider.Clients()[1]))
	finish(t, c).wantCode(t, 0)
	return m
}

// A person at a terminal sees the code and the time that is left, and types it
// in elsewhere. There is nothing to paste.
func TestDeviceInTheTerminal(t *testing.T) {
	t.Parallel()
	m := newBox(t, time.Second)
	w := m.window(t, "login", "--device", "--verbose")
	w.shows(t, shownCode.String())
	w.shows(t, `waiting for the sign-in, (30m0s|29m50s) left`)
	code := shownCode.FindStringSubmatch(w.stderr.String())[1]

	// A second login shows the same code.
	second := m.window(t, "login", "--device")
	second.shows(t, `another tokentoss login is already waiting`)
	second.shows(t, shownCode.String())
	second.shows(t, `whoever has the machine that shows the code is signed in as you`)
	if got := shownCode.FindStringSubmatch(second.stderr.String())[1]; got != code {
		t.Errorf("the second login shows %s, the first one %s", got, code)
	}

	if err := m.provider.ApproveDevice(t.Context(), strings.ToLower(code), ada); err != nil {
		t.Fatal(err)
	}
	r := w.wait(t).wantCode(t, 0)
	w.shows(t, `tokentoss: signed in as ada@example.com`)
	if strings.Contains(r.stderr, "paste") {
		t.Error("the person is asked to paste something")
	}
	// What the device has for itself is shown to nobody.
	for _, call := range m.provider.Requests(emulator.Token) {
		if secret := call.Form.Get("device_code"); secret == "" || strings.Contains(r.stderr, secret) {
			t.Errorf("the device code %q is shown, or was not sent", secret)
		}
	}
	second.wait(t).wantCode(t, 0)
	second.shows(t, `signed in as ada@example.com, by the other login`)
	if n := m.provider.Calls(emulator.DeviceCode); n != 1 {
		t.Errorf("%d codes were asked for", n)
	}
	m.run(t, "token").wantCode(t, 0)
	if left, _ := filepath.Glob(filepath.Join(m.dir, ".login-*.url")); len(left) > 0 {
		t.Errorf("these files are left: %q", left)
	}
}

// Ctrl-C and a signal end the wait at once, and nothing is asked any more.
func TestInterruptedDevice(t *testing.T) {
	t.Parallel()
	m := newBox(t, 10*time.Minute)
	for name, end := range map[string]func(w *window) error{
		"Ctrl-C":  func(w *window) error { _, err := w.terminal.Write([]byte{3}); return err },
		"SIGTERM": func(w *window) error { return w.cmd.Process.Signal(syscall.SIGTERM) },
	} {
		w := m.window(t, "login", "--device")
		w.shows(t, shownCode.String())
		if err := end(w); err != nil {
			t.Fatal(err)
		}
		w.wait(t).wantCode(t, 1)
		w.shows(t, `tokentoss: error: interrupted`)
		if left := m.left(t); len(left) > 0 {
			t.Errorf("%s: these files are left: %q", name, left)
		}
	}
	if n := m.provider.Calls(emulator.Token); n > 0 {
		t.Errorf("the provider was asked for tokens %d times", n)
	}
}
