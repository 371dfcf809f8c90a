package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/storetest/crashtest"
	"github.com/tokentoss/tokentoss/stores/keyring"
)

// childEnv tells a copy of this test binary what it is for.
const childEnv = "TOKENTOSS_KEYRING_TEST_CHILD"

func TestMain(m *testing.M) {
	crashtest.Child(func(_ context.Context, dir string) (core.TokenStore, error) {
		return keyring.Open(keyring.Config{}, dir)
	})
	what, arg, _ := strings.Cut(os.Getenv(childEnv), " ")
	switch what {
	case "session": // of D-Bus, with a keyring that is unlocked
		if err := startDaemon(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		code := m.Run()
		if pid, err := daemon(); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		os.Exit(code)
	case "save": // the document of the key arg
		if err := saveOne(os.Args[1], arg); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "nothing": // but what importing the package does
	default: // also without D-Bus
		os.Exit(m.Run())
	}
}

func saveOne(dir, key string) error {
	s, err := keyring.Open(keyring.Config{}, dir)
	if err == nil {
		_, err = s.Save(context.Background(), key, core.Record{Data: []byte("of " + key)})
	}
	return err
}

// startDaemon starts GNOME Keyring with a collection "login" that is unlocked.
func startDaemon() error {
	cmd := exec.Command("gnome-keyring-daemon", "--unlock", "--components=secrets", "--daemonize")
	cmd.Stdin = strings.NewReader("test")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("gnome-keyring-daemon: %w\n%s", err, out)
	}
	return nil
}

// bus returns the session bus, as the library has it.
func bus() (*dbus.Conn, error) { return dbus.SessionBus() }

// daemon returns the process of the keyring.
func daemon() (pid int, err error) {
	conn, err := bus()
	if err != nil {
		return 0, err
	}
	var id uint32
	err = conn.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, "org.freedesktop.secrets").Store(&id)
	return int(id), err
}

// inSession runs the calling test again, in a session of its own with a keyring
// of its own. It returns whether the caller is in that session; otherwise the
// test is done.
func inSession(t *testing.T) bool {
	t.Helper()
	if strings.HasPrefix(os.Getenv(childEnv), "session") {
		return true
	}
	for _, program := range []string{"dbus-run-session", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed (packages dbus and gnome-keyring)", program)
		}
	}
	home := shortDir(t)
	cmd := self(t, "session", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Args = append([]string{"dbus-run-session", "--"}, cmd.Args...)
	var err error
	if cmd.Path, err = exec.LookPath("dbus-run-session"); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, "HOME="+home, "XDG_DATA_HOME="+home, "XDG_RUNTIME_DIR="+home, "TMPDIR="+home)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Errorf("in a session: %v\n%s", err, out)
	}
	return false
}

// self prepares a copy of this test binary, without a session bus. It is not
// killed alone when the test ends early, but with what it has started.
func self(t *testing.T, what string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DBUS_") && !strings.HasPrefix(v, childEnv) {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, childEnv+"="+what)
	return cmd
}

// shortDir returns a directory with a path that is short enough for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tt")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// secrets calls a method of the Secret Service.
func secrets(t *testing.T, path dbus.ObjectPath, method string, args ...any) *dbus.Call {
	t.Helper()
	conn, err := bus()
	must(t, err)
	call := conn.Object("org.freedesktop.secrets", path).CallWithContext(bounded(t), method, 0, args...)
	if call.Err != nil {
		t.Fatalf("%s: %v", method, call.Err)
	}
	return call
}

const (
	servicePath = "/org/freedesktop/secrets"
	loginPath   = servicePath + "/collection/login"
)

// items returns the items of the collection "login" that have our name.
func items(t *testing.T) []dbus.ObjectPath {
	t.Helper()
	var value dbus.Variant
	must(t, secrets(t, loginPath, "org.freedesktop.DBus.Properties.Get", "org.freedesktop.Secret.Collection", "Items").Store(&value))
	var own []dbus.ObjectPath
	for _, path := range value.Value().([]dbus.ObjectPath) {
		var label dbus.Variant
		must(t, secrets(t, path, "org.freedesktop.DBus.Properties.Get", "org.freedesktop.Secret.Item", "Label").Store(&label))
		if text, _ := label.Value().(string); strings.HasPrefix(text, "tokentoss age1") {
			own = append(own, path)
		}
	}
	return own
}

// removeItems removes them.
func removeItems(t *testing.T) {
	t.Helper()
	for _, path := range items(t) {
		secrets(t, path, "org.freedesktop.Secret.Item.Delete")
	}
}

// lock locks the collection "login".
func lock(t *testing.T) {
	t.Helper()
	secrets(t, servicePath, "org.freedesktop.Secret.Service.Lock", []dbus.ObjectPath{loginPath})
}

func open(t testing.TB, dir string) core.TokenStore {
	t.Helper()
	s, err := keyring.Open(keyring.Config{}, dir)
	must(t, err)
	return s
}

func save(t testing.TB, s core.TokenStore, key, revision, data string) core.Record {
	t.Helper()
	r, err := s.Save(bounded(t), key, core.Record{Data: []byte(data), Revision: revision})
	if err != nil {
		t.Fatalf("Save(%q): %v", key, err)
	}
	return r
}

func wantDoc(t testing.TB, s core.TokenStore, key, want string) {
	t.Helper()
	r, err := s.Load(bounded(t), key)
	if err != nil {
		t.Fatalf("Load(%q): %v", key, err)
	}
	if string(r.Data) != want {
		t.Errorf("Load(%q) gives %.40q, want %.40q", key, r.Data, want)
	}
}

// wantKeyError checks that both Load and Save of a store that has no key yet
// fail, and in what way.
func wantKeyError(t testing.TB, dir string, kind error, says, hint string) {
	t.Helper()
	_, loadErr := open(t, dir).Load(bounded(t), "default")
	_, saveErr := open(t, dir).Save(bounded(t), "other", core.Record{Data: []byte("new")})
	checkErr := open(t, dir).(core.Checker).Check(bounded(t), "other")
	for op, err := range map[string]error{"Load": loadErr, "Save": saveErr, "Check": checkErr} {
		wantError(t, op, err, kind, says, hint)
	}
	if _, err := os.Stat(filepath.Join(dir, "profiles", "other", "tokens.keyring.age")); err == nil {
		t.Error("something was saved all the same")
	}
}

func wantError(t testing.TB, op string, err, kind error, says, hint string) {
	t.Helper()
	if !errors.Is(err, kind) || errors.Is(err, core.ErrCorrupt) {
		t.Errorf("%s: error is %v, want one that wraps %q", op, err, kind)
		return
	}
	if !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "keyring") {
		t.Errorf("%s: error is %q, want one that says %q, of the keyring", op, err, says)
	}
	if remedy := fault.RemedyOf(err).String(); !strings.Contains(remedy, hint) {
		t.Errorf("%s: the remedy of %q is %q, want one with %q", op, err, remedy, hint)
	}
}

func bounded(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
