package crashtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

const (
	// roundsEnv is how many processes are killed over each store: see make soak.
	roundsEnv = "TOKENTOSS_SOAK"

	// patience bounds a process that is not killed, and what its store does.
	patience = time.Minute

	person = "ada@example.com"
)

// Rounds returns how many processes to kill: few, or what make soak says.
func Rounds(t *testing.T) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv(roundsEnv)); err == nil {
		return n
	}
	if testing.Short() || runtime.GOOS == "windows" { // where a process takes its time to begin
		return 6
	}
	return 20
}

// A killing is a test over one store.
type killing struct {
	t        *testing.T
	place    string
	store    core.TokenStore
	provider *emulator.Emulator
	ahead    atomic.Int64 // of the clock, in nanoseconds; the provider reads it
	session  session      // as it was last seen
	saved    int          // processes that were killed and had saved
	late     int          // processes whose save may still come: a server has it, and they were killed
}

// A session is the part of a document that a refresh keeps, and that it counts.
type session struct {
	RefreshToken string `json:"refresh_token"`
	IDToken      string `json:"id_token"`
	Email        string `json:"user_email"`
	Generation   int    `json:"generation"`
}

// Kill signs a person in over store, which [Child] opens at place, and kills processes that
// refresh the session, as many as rounds. Those between, which are not killed, must have a
// token.
func Kill(t *testing.T, rounds int, place string, store core.TokenStore) {
	t.Helper()
	k, end := signedIn(t, place, store)
	defer end()
	life := k.live()
	for round := range rounds {
		k.kill(round, life)
		if round%8 == 7 || round == rounds-1 {
			k.live()
		}
	}
	t.Logf("of %d processes that were killed, %d had saved", rounds, k.saved)
}

// signedIn signs a person in.
func signedIn(t *testing.T, place string, store core.TokenStore) (k *killing, end func()) {
	t.Helper()
	k = &killing{t: t, place: place, store: store}
	provider, err := emulator.Start(t.Context(), emulator.Options{Accounts: []emulator.Account{{Email: person}}, Now: k.now})
	k.must(err)
	k.provider = provider
	s, err := newSession(store, provider.ClientSecrets(), k.now, nil, func(c *oidc.Client) core.Flow { return flow{k, c} })
	k.must(err)
	_, err = s.SignIn(t.Context(), nil)
	k.must(err)
	k.session = k.read()
	return k, func() { _ = provider.Close() }
}

func (k *killing) now() time.Time { return time.Now().Add(time.Duration(k.ahead.Load())) }

func (k *killing) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

// errand makes the session's token expire.
func (k *killing) errand() errand {
	ahead := k.ahead.Add(int64(2 * time.Hour))
	return errand{Place: k.place, Secrets: k.provider.ClientSecrets(), Ahead: time.Duration(ahead)}
}

// command prepares a process that meets an expired token.
func (k *killing) command() (cmd *exec.Cmd, stderr *bytes.Buffer) {
	k.t.Helper()
	cmd, stderr = k.errand().command(k.t), new(bytes.Buffer)
	cmd.Stderr = stderr
	return cmd, stderr
}

func (k *killing) start(cmd *exec.Cmd) {
	k.t.Helper()
	err := cmd.Start()
	if errors.Is(err, syscall.ENOEXEC) {
		k.t.Skip("this executable cannot be started by another: it is emulated")
	}
	k.must(err)
}

// live has a process refresh the session to the end, and returns how long that took. No
// killed process may have left a lock that it cannot have.
func (k *killing) live() time.Duration {
	k.t.Helper()
	began := time.Now()
	cmd, stderr := k.command()
	k.start(cmd)
	timer := time.AfterFunc(2*patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil || strings.Contains(stderr.String(), "without the lock") {
		k.t.Fatalf("a process that was not killed: %v\n%s", err, stderr)
	}
	took := time.Since(began)
	before := k.session.Generation
	if k.check(); k.session.Generation == before {
		k.t.Fatalf("generation %d: a refresh that was not killed is not there", before)
	}
	k.late = 0
	return took
}

// kill kills a process at a moment of its life, every second time around the save.
func (k *killing) kill(round int, life time.Duration) {
	k.t.Helper()
	asked := k.provider.TokenCalls("refresh_token")
	cmd, stderr := k.command()
	k.start(cmd)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	moment := time.After(rand.N(life + life/4))
	if round%2 == 1 {
		for k.provider.TokenCalls("refresh_token") == asked && !closed(done) {
			time.Sleep(200 * time.Microsecond)
		}
		moment = time.After(rand.N(max(life/8, 6*time.Millisecond)))
	}
	select {
	case <-moment:
	case <-done:
		if !cmd.ProcessState.Success() {
			k.t.Fatalf("a process failed before it was killed: %s", stderr)
		}
	}
	_ = cmd.Process.Kill()
	<-done
	before := k.session.Generation
	if k.check(); k.session.Generation > before {
		k.saved++
		k.late = 0
		return
	}
	k.late = 1 // of those before, this one has read
}

// check looks at the session that a process left.
func (k *killing) check() {
	k.t.Helper()
	before, now := k.session, k.read()
	switch {
	case now.RefreshToken != before.RefreshToken || now.Email != before.Email:
		k.t.Fatal("the session is not the one that it was")
	case now.Generation < before.Generation || now.Generation > before.Generation+1+k.late:
		k.t.Fatalf("generation %d after %d", now.Generation, before.Generation)
	case (now.IDToken == before.IDToken) != (now.Generation == before.Generation):
		k.t.Fatalf("generation %d after %d does not belong to its token", now.Generation, before.Generation)
	}
	k.session = now
}

// read reads the session, which must be whole.
func (k *killing) read() (s session) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), patience)
	defer cancel()
	r, err := k.store.Load(ctx, core.DefaultKey)
	k.must(err)
	if err := json.Unmarshal(r.Data, &s); err != nil || s.RefreshToken == "" || strings.Count(s.IDToken, ".") != 2 || s.Email != person {
		k.t.Fatalf("the session is not whole: %v", err)
	}
	return s
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// A flow is the code flow, with the emulator's page for a browser.
type flow struct {
	*killing
	client *oidc.Client
}

// SignIn implements [core.Flow].
func (f flow) SignIn(ctx context.Context, _ core.Prompter) (*core.Token, error) {
	const redirectURI = "http://127.0.0.1:1/callback"
	p, err := f.client.Provider(ctx)
	if err != nil {
		return nil, err
	}
	r := oidc.AuthRequest{RedirectURI: redirectURI, State: "state-of-a-test", Nonce: "nonce-of-a-test", Verifier: strings.Repeat("verifier", 6)}
	redirect, err := f.provider.Authorize(ctx, f.client.AuthCodeURL(p, r), person)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(redirect)
	if err != nil {
		return nil, err
	}
	return f.client.Exchange(ctx, u.Query().Get("code"), redirectURI, r.Verifier, r.Nonce)
}
