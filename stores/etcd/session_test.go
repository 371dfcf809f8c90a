package etcd_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/emulator/emulatortest"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

const ada = "ada@example.com"

// A clock is set by the test; the provider has the same one. The times of etcd
// are those of the machine.
type clock struct{ *emulatortest.Clock }

func (c *clock) advance(d time.Duration) { c.Advance(d) }

// A world is a provider, and a person with machines that share one session.
type world struct {
	t     *testing.T
	emu   *emulator.Emulator
	clock *clock
	store etcd.Config
	dir   string // of the identity
}

func newWorld(t *testing.T, store etcd.Config, o emulator.Options) *world {
	t.Helper()
	w := &world{t: t, store: store, dir: t.TempDir(), clock: &clock{emulatortest.NewClock(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC))}}
	o.Now, o.Accounts = w.clock.Now, []emulator.Account{{Email: ada}}
	var err error
	w.emu, err = emulator.Start(context.Background(), o)
	must(t, err)
	t.Cleanup(func() { must(t, w.emu.Close()) })
	return w
}

// A machine has a client of etcd and a session of its own.
type machine struct {
	*core.Session
	store core.TokenStore
}

// machine returns one that reaches etcd by the given endpoints, or by those of
// the world, and the provider by transport, or directly.
func (w *world) machine(transport http.RoundTripper, endpoints ...string) machine {
	w.t.Helper()
	config := w.store
	if endpoints != nil {
		config.Endpoints = endpoints
	}
	secrets, err := oidc.ParseClientSecrets(w.emu.ClientSecrets())
	must(w.t, err)
	provider := oidc.ProviderOptions{InsecureLoopback: true, Now: w.clock.Now, Transport: transport}
	client, err := oidc.NewClient(secrets, provider)
	must(w.t, err)
	store := openStore(w.t, config, w.dir)
	session, err := core.NewSession(core.SessionOptions{
		Store: store, Client: client, Provider: provider, Now: w.clock.Now, Flow: w.flow, LockTimeout: long, Lifetime: 0,
	})
	must(w.t, err)
	w.t.Cleanup(func() { must(w.t, session.Close()) })
	return machine{session, store}
}

// machines returns n of them.
func (w *world) machines(n int) []machine {
	w.t.Helper()
	var all []machine
	for range n {
		all = append(all, w.machine(nil))
	}
	return all
}

// signIn has the person sign in on m.
func (w *world) signIn(m machine) {
	w.t.Helper()
	if _, err := m.SignIn(bounded(w.t), nobody); err != nil {
		w.t.Fatalf("sign in: %v", err)
	}
}

// expire makes every token that was given out so far an old one.
func (w *world) expire() { w.clock.advance(2 * time.Hour) }

// token returns the token of m, which must be valid.
func (w *world) token(m machine) core.Secret {
	w.t.Helper()
	token, err := m.IDToken(bounded(w.t))
	if err != nil {
		w.t.Fatalf("IDToken: %v", err)
	}
	if !token.Expiry.After(w.clock.Now()) {
		w.t.Error("the token has expired")
	}
	return token.Value
}

// wantRefreshes checks how often the provider was asked since the start.
func (w *world) wantRefreshes(want int) {
	w.t.Helper()
	if got := w.emu.TokenCalls("refresh_token"); got != want {
		w.t.Errorf("the provider was asked for %d refreshes, want %d", got, want)
	}
}

// together asks all machines for a token at once.
type answers struct {
	done   sync.WaitGroup
	tokens []core.IDToken
	errs   []error
}

func together(ctx context.Context, machines []machine) *answers {
	a := &answers{tokens: make([]core.IDToken, len(machines)), errs: make([]error, len(machines))}
	start := make(chan struct{})
	for i, m := range machines {
		a.done.Go(func() {
			<-start
			a.tokens[i], a.errs[i] = m.IDToken(ctx)
		})
	}
	close(start)
	return a
}

// wantOne waits for the answers, which must all be one valid token.
func (a *answers) wantOne(t *testing.T, now time.Time) {
	t.Helper()
	a.done.Wait()
	for i, err := range a.errs {
		switch {
		case err != nil:
			t.Errorf("machine %d: %v", i, err)
		case a.tokens[i].Value != a.tokens[0].Value:
			t.Errorf("machine %d has another token than machine 0", i)
		case !a.tokens[i].Expiry.After(now):
			t.Errorf("machine %d has a token that has expired", i)
		}
	}
}

// A gate stops the first refresh of a machine, before the provider gets it or
// before the machine gets the answer, until it is opened.
type gate struct {
	after   bool          // stop the answer
	stopped chan struct{} // closed when there is something at the gate
	opened  chan struct{} // closed by the test
	once    sync.Once
}

func newGate(after bool) *gate {
	return &gate{after: after, stopped: make(chan struct{}), opened: make(chan struct{})}
}

// open lets pass what is at the gate.
func (g *gate) open() { close(g.opened) }

// RoundTrip implements [http.RoundTripper]. The time at the gate does not count
// for the request, whose deadline is the session's.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	first := false
	if r.Method == http.MethodPost {
		g.once.Do(func() { first = true })
	}
	if !first {
		return transport.RoundTrip(r)
	}
	if !g.after {
		g.stop()
	}
	resp, err := transport.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if g.after {
		g.stop()
	}
	return resp, nil
}

func (g *gate) stop() {
	close(g.stopped)
	<-g.opened
}

// wait returns when done is closed.
func wait(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-bounded(t).Done():
		t.Fatalf("it did not happen: %s", what)
	}
}

// nobody is a Prompter that is not asked.
var nobody = core.PrompterFunc(func(context.Context, core.Prompt) (string, error) {
	return "", errors.New("the test's flow asks nobody")
})

// A flow is the code flow with the emulator's Authorize for a browser.
type flow struct {
	emu    *emulator.Emulator
	client *oidc.Client
}

func (w *world) flow(c *oidc.Client) core.Flow { return flow{w.emu, c} }

func (f flow) SignIn(ctx context.Context, _ core.Prompter) (*core.Token, error) {
	const redirectURI = "http://127.0.0.1:1/callback"
	p, err := f.client.Provider(ctx)
	if err != nil {
		return nil, err
	}
	r := oidc.AuthRequest{RedirectURI: redirectURI, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	redirect, err := f.emu.Authorize(ctx, f.client.AuthCodeURL(p, r), ada)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(redirect)
	if err != nil {
		return nil, err
	}
	return f.client.Exchange(ctx, u.Query().Get("code"), redirectURI, r.Verifier, r.Nonce)
}
