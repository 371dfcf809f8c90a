package machine_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/frontendtest"
	"github.com/tokentoss/tokentoss/core/googleid/machine"
	"github.com/tokentoss/tokentoss/emulator"
)

func TestMain(m *testing.M) {
	// What is about the machine that the tests run on must not be about them.
	for _, name := range []string{"GCE_METADATA_HOST", "GOOGLE_APPLICATION_CREDENTIALS", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		_ = os.Unsetenv(name)
	}
	goleak.VerifyTestMain(m)
}

const (
	robot  = "robot@project.iam.gserviceaccount.com"  // which the machine has
	deploy = "deploy@project.iam.gserviceaccount.com" // for which robot and a CI job may act
	locked = "locked@project.iam.gserviceaccount.com" // for which nobody may act
	job    = "repo:example/app:ref:refs/heads/main"
)

// A world is a Google, and the files of a machine.
type world struct {
	t   *testing.T
	e   *emulator.Emulator
	dir string
	log *frontendtest.Screen
}

func newWorld(t *testing.T) *world {
	t.Helper()
	e, err := emulator.Start(t.Context(), emulator.Options{ServiceAccounts: []emulator.ServiceAccount{
		{Email: robot}, {Email: deploy, Impersonators: []string{robot, job, person}}, {Email: locked},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return &world{t: t, e: e, dir: t.TempDir(), log: &frontendtest.Screen{}}
}

// onGCE makes this machine one of Google's. Tests that use it cannot be parallel.
func (w *world) onGCE() {
	w.t.Helper()
	w.t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(w.e.GoogleURL(), "http://"))
}

// file writes a file of a machine.
func (w *world) file(name string, data []byte, mode os.FileMode) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, data, mode); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// key makes a key of a service account.
func (w *world) key(email string) string {
	w.t.Helper()
	data, err := w.e.ServiceAccountKey(email)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.file(strings.Split(email, "@")[0]+".json", data, 0o600)
}

// federation makes the configuration of a CI job that may become deploy.
func (w *world) federation() string {
	w.t.Helper()
	token, err := w.e.WorkloadToken(job)
	if err != nil {
		w.t.Fatal(err)
	}
	subject := w.file("subject-token", []byte(token), 0o600)
	return w.file("federation.json", w.e.ExternalAccount(deploy, subject), 0o600)
}

// flow makes a flow, with what the world has for what o leaves out.
func (w *world) flow(o machine.Options) *machine.Flow {
	w.t.Helper()
	if o.Audience == "" {
		o.Audience = w.e.Clients()[0].ID
	}
	o.Issuer, o.InsecureLoopback = w.e.Issuer(), true
	o.Logger = slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f, err := machine.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// nobody fails the test when it is asked.
func (w *world) nobody() core.Prompter {
	return core.PrompterFunc(func(context.Context, core.Prompt) (string, error) {
		w.t.Error("a person was asked")
		return "", context.Canceled
	})
}

// signIn obtains a token.
func (w *world) signIn(o machine.Options) (*core.Token, error) {
	w.t.Helper()
	return w.flow(o).SignIn(w.t.Context(), w.nobody())
}
