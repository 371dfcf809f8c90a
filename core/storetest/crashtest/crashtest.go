// Package crashtest ends processes in the middle of a refresh, and looks at what they leave in a
// store: by a kill, and by a power cut that takes what was not yet on the disk. A session must
// stay whole and of use, and no lock must stay taken.
//
// A test binary is also the process that is ended: its TestMain begins with [Child].
package crashtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// childEnv has the errand of a process, as JSON.
const childEnv = "TOKENTOSS_CRASHTEST_CHILD"

// An errand is what a process is to do: have a token of the session in a store, or save a
// document.
type errand struct {
	Place    string
	Document []byte        // where there is none yet
	Secrets  []byte        // of the OAuth client
	Ahead    time.Duration // of the clock
}

// command prepares a process that runs the errand.
func (e errand) command(t *testing.T) *exec.Cmd {
	t.Helper()
	what, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"="+string(what))
	return cmd
}

// Child runs the errand that this process was started for, and ends it; it returns in all
// other processes. open opens the store at a place that Kill or PowerCut was given.
func Child(open func(ctx context.Context, place string) (core.TokenStore, error)) {
	what := os.Getenv(childEnv)
	if what == "" {
		return
	}
	if err := run([]byte(what), open); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(what []byte, open func(ctx context.Context, place string) (core.TokenStore, error)) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var e errand
	if err := json.Unmarshal(what, &e); err != nil {
		return err
	}
	store, err := open(ctx, e.Place)
	if err != nil {
		return err
	}
	if e.Document != nil {
		_, err := store.Save(ctx, core.DefaultKey, core.Record{Data: e.Document})
		return err
	}
	now := func() time.Time { return time.Now().Add(e.Ahead) }
	s, err := newSession(store, e.Secrets, now, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), nil)
	if err != nil {
		return err
	}
	_, err = s.IDToken(ctx)
	return errors.Join(err, s.Close())
}

func newSession(store core.TokenStore, secrets []byte, now func() time.Time, log *slog.Logger, flow core.FlowFunc) (*core.Session, error) {
	cs, err := oidc.ParseClientSecrets(secrets)
	if err != nil {
		return nil, err
	}
	client, err := oidc.NewClient(cs, oidc.ProviderOptions{InsecureLoopback: true, Now: now})
	if err != nil {
		return nil, err
	}
	return core.NewSession(core.SessionOptions{Store: store, Client: client, Now: now, Logger: log, Flow: flow})
}
