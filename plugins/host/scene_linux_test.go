package host_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/emulator/emulatortest"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
)

// short is the timeout of calls that are to fail by it.
const short = 1500 * time.Millisecond

// A logBuffer keeps what a host logs.
type logBuffer = emulatortest.Log

// A scene is a host with a log, and a directory for its one plugin.
type scene struct {
	host *host.Host
	log  *logBuffer
	dir  string
}

func newScene(t testing.TB, bundled ...plugins.Plugin) *scene {
	t.Helper()
	s := &scene{log: &logBuffer{}, dir: t.TempDir()}
	s.host = &host.Host{
		Dir: t.TempDir(), Bundled: bundled,
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	t.Cleanup(func() {
		if log := s.log.String(); strings.Contains(log, "needle") {
			t.Errorf("a secret is in the log: ...%.200s", log[max(0, strings.Index(log, "needle")-100):])
		}
	})
	return s
}

// use is the evil store with a fault in a method.
func (s *scene) use(in, fault string) host.Use {
	return host.Use{Plugin: "evil", Request: plugins.Request{
		Dir: s.dir, Settings: fmt.Appendf(nil, `{"in":%q,"fault":%q}`, in, fault),
	}}
}

// open opens the evil store. What it leaves is looked for after t.
func (s *scene) open(t *testing.T, u host.Use) core.TokenStore {
	t.Helper()
	store, err := s.host.OpenStore(bounded(t), u)
	if err != nil {
		t.Fatalf("opening the store: %v", err)
	}
	t.Cleanup(func() {
		_ = closeStore(store)
		s.wantGone(t)
	})
	return store
}

func closeStore(s core.TokenStore) error { return core.Full(s).Close() }

// wantGone checks that the process of the plugin and its sockets are no more.
func (s *scene) wantGone(t *testing.T) {
	t.Helper()
	pid, sockets := s.where(t)
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the plugin's process %d is still there: %v", pid, err)
	}
	for dir := sockets; filepath.Base(filepath.Dir(dir)) != "/" && strings.Contains(dir, fmt.Sprint("/", os.Getpid(), "-")); dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", dir, err)
		}
	}
}

// where returns what the plugin wrote down: its process and its directory for
// sockets.
func (s *scene) where(t *testing.T) (pid int, sockets string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, "where"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(string(data), "%d\n%s\n", &pid, &sockets); err != nil {
		t.Fatal(err)
	}
	return pid, sockets
}

// bounded returns a context that ends when something hangs.
func bounded(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits for what another process does.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for ctx := bounded(t); !ok(); time.Sleep(5 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("it did not happen: %s", what)
		}
	}
}

// wantError checks that err is the host's, of a kind, with a text.
func wantError(t *testing.T, err error, kind error, text string) {
	t.Helper()
	var he *fault.Error
	switch {
	case !errors.As(err, &he):
		t.Errorf("error %v (%T), want a *fault.Error", err, err)
	case !errors.Is(err, kind):
		t.Errorf("error %v is not %v", err, kind)
	case !strings.Contains(err.Error(), text):
		t.Errorf("error %q, want one with %q", err, text)
	case he.Hint() == "":
		t.Errorf("error %q has no hint", err)
	}
	if err != nil && strings.Contains(err.Error(), "needle") {
		t.Errorf("error %q shows a secret", err)
	}
}
