package core_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/emulator/emulatortest"
)

const (
	ada   = "ada@example.com"
	grace = "grace@example.com"
)

// A clock is set by the test. The provider's is the same one, but for
// Emulator.SetClockOffset.
type clock struct{ *emulatortest.Clock }

func (c *clock) advance(d time.Duration) { c.Advance(d) }

// A world is a provider, a store, and a clock.
type world struct {
	t     *testing.T
	ctx   context.Context
	emu   *emulator.Emulator
	store *memory
	clock *clock
	log   *logBuffer

	divertTo atomic.Bool // see divert
}

// newWorld starts a provider. At its end the test fails when a secret was logged.
func newWorld(t *testing.T, changes ...func(*emulator.Options)) *world {
	t.Helper()
	w := &world{
		t: t, ctx: t.Context(), store: newMemory(), log: &logBuffer{},
		// Whole seconds, as a Date header has them.
		clock: &clock{emulatortest.NewClock(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC))},
	}
	o := emulator.Options{
		Accounts: []emulator.Account{{Email: ada, HostedDomain: "example.com"}, {Email: grace}},
		Now:      w.clock.Now,
	}
	for _, change := range changes {
		change(&o)
	}
	emu, err := emulator.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	w.emu = emu
	t.Cleanup(func() {
		if err := emu.Close(); err != nil {
			t.Errorf("close the emulator: %v", err)
		}
		w.log.checkSecrets(t)
	})
	return w
}

// fork returns a world of the same provider and clock, with a store, a log and
// counts of its own. Making a provider's keys is slow.
func (w *world) fork(t *testing.T) *world {
	t.Helper()
	f := &world{t: t, ctx: t.Context(), emu: w.emu, store: newMemory(), clock: w.clock, log: &logBuffer{}}
	f.emu.SetFault(emulator.Token, nil)
	f.emu.SetIDTokenClaims(nil)
	f.emu.SetTokenAnswer(nil)
	f.emu.ResetCalls()
	t.Cleanup(func() { f.log.checkSecrets(t) })
	return f
}

// cheap has ID tokens signed with ES256 from now on, which is a hundred times
// faster. Refreshes do not look at signatures.
func (w *world) cheap() { w.emu.SetIDTokenClaims(func(h, _ map[string]any) { h["alg"] = "ES256" }) }

// secrets returns the client of the emulator.
func (w *world) secrets() core.ClientSecrets {
	w.t.Helper()
	cs, err := oidc.ParseClientSecrets(w.emu.ClientSecrets())
	if err != nil {
		w.t.Fatal(err)
	}
	return cs
}

// client returns a client at the emulator.
func (w *world) client(changes ...func(*oidc.ProviderOptions)) *oidc.Client {
	w.t.Helper()
	o := oidc.ProviderOptions{InsecureLoopback: true, Now: w.clock.Now}
	for _, change := range changes {
		change(&o)
	}
	c, err := oidc.NewClient(w.secrets(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// session returns a session over the world's store, as one process has.
func (w *world) session(changes ...func(*core.SessionOptions)) *core.Session {
	w.t.Helper()
	o := core.SessionOptions{
		Store: w.store, Flow: w.flow(ada), Now: w.clock.Now, Logger: w.log.logger(),
		Provider: oidc.ProviderOptions{InsecureLoopback: true, Now: w.clock.Now},
		Client:   w.client(),
	}
	for _, change := range changes {
		change(&o)
	}
	s, err := core.NewSession(o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			w.t.Errorf("close the session: %v", err)
		}
	})
	return s
}

// signedIn returns a session in which ada is signed in.
func (w *world) signedIn(changes ...func(*core.SessionOptions)) *core.Session {
	w.t.Helper()
	s := w.session(changes...)
	w.signIn(s)
	return s
}

func (w *world) signIn(s *core.Session) core.Status {
	w.t.Helper()
	st, err := s.SignIn(w.ctx, nobody)
	if err != nil {
		w.t.Fatalf("sign in: %v", err)
	}
	return st
}

// token returns a token, or ends the test.
func (w *world) token(s *core.Session) core.IDToken {
	w.t.Helper()
	tok, err := s.IDToken(w.ctx)
	if err != nil {
		w.t.Fatalf("IDToken: %v", err)
	}
	if left := tok.Expiry.Sub(w.clock.Now()); left <= 0 && w.emu != nil {
		w.t.Errorf("got a token that expired %s ago", -left)
	}
	return tok
}

// refreshes returns how often the token endpoint was asked for a refresh.
func (w *world) refreshes() int { return w.emu.TokenCalls("refresh_token") }

// wantRefreshes checks the number of refreshes since the start.
func (w *world) wantRefreshes(want int) {
	w.t.Helper()
	if got := w.refreshes(); got != want {
		w.t.Errorf("%d refresh requests, want %d", got, want)
	}
}

// nobody is a Prompter that is not asked.
var nobody = core.PrompterFunc(func(context.Context, core.Prompt) (string, error) {
	return "", errors.New("the test's flow asks nobody")
})

// A flow is the code flow with the emulator's Authorize for a browser.
type flow struct {
	w      *world
	client *oidc.Client
	email  string
	nonce  func(sent string) string // what Exchange is told to expect
}

func (w *world) flow(email string) core.FlowFunc {
	return func(c *oidc.Client) core.Flow { return flow{w: w, client: c, email: email} }
}

const redirectURI = "http://127.0.0.1:1/callback"

func (f flow) SignIn(ctx context.Context, _ core.Prompter) (*core.Token, error) {
	p, err := f.client.Provider(ctx)
	if err != nil {
		return nil, err
	}
	r := oidc.AuthRequest{RedirectURI: redirectURI, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	redirect, err := f.w.emu.Authorize(ctx, f.client.AuthCodeURL(p, r), f.email)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(redirect)
	if err != nil {
		return nil, err
	}
	expected := r.Nonce
	if f.nonce != nil {
		expected = f.nonce(r.Nonce)
	}
	return f.client.Exchange(ctx, u.Query().Get("code"), redirectURI, r.Verifier, expected)
}

// flowFunc is a Flow that is a function.
type flowFunc func(ctx context.Context) (*core.Token, error)

func (f flowFunc) SignIn(ctx context.Context, _ core.Prompter) (*core.Token, error) { return f(ctx) }

// A logBuffer keeps what a session logs, and lets a test wait for a line.
type logBuffer struct{ emulatortest.Log }

func (b *logBuffer) logger() *slog.Logger { return b.Logger() }

// count returns how often text was logged, in lines of text.
func (b *logBuffer) count(text string) int { return strings.Count(b.String(), `msg="`+text) }

// checkSecrets fails the test when anything that looks like the emulator's
// secrets was logged.
func (b *logBuffer) checkSecrets(t *testing.T) {
	t.Helper()
	if found := findSecret(b.String()); found != "" {
		t.Errorf("the log holds a secret: %s", found)
	}
}

// findSecret finds the emulator's kinds of secrets: refresh, access and ID
// tokens, client secrets, codes.
func findSecret(s string) string {
	for _, mark := range []string{"1//0", "1%2F%2F0", "ya29.", "eyJ", "GOCSPX-", "4/0A", "4%2F0A", needle} {
		if i := strings.Index(s, mark); i >= 0 {
			return s[max(0, i-40):min(len(s), i+12)] + "..."
		}
	}
	return ""
}

// eventually waits for what another goroutine does.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// wantCause checks that err asks for a new sign-in for a cause.
func wantCause(t *testing.T, err error, cause core.Cause) {
	t.Helper()
	var sn *core.SignInNeededError
	if !errors.As(err, &sn) || !errors.Is(err, core.ErrSignInNeeded) || sn.Cause != cause {
		t.Errorf("error %v, want a sign-in needed for %q", err, cause)
	}
}

// wantClaim checks that err refuses a claim, and shows no secret.
func wantClaim(t *testing.T, err error, claim string) {
	t.Helper()
	var ce *oidc.ClaimError
	if !errors.As(err, &ce) || ce.Claim != claim {
		t.Errorf("error %v, want a refusal of claim %q", err, claim)
	} else if found := findSecret(err.Error()); found != "" {
		t.Errorf("the error holds a secret: %s", found)
	}
}

// wantProvider checks that err is the provider's, and shows no secret.
func wantProvider(t *testing.T, err error) *oidc.ProviderError {
	t.Helper()
	var pe *oidc.ProviderError
	if !errors.As(err, &pe) {
		t.Fatalf("error %v (%T), want a ProviderError", err, err)
	}
	if found := findSecret(fmt.Sprintf("%v %+v", err, err)); found != "" {
		t.Errorf("the error holds a secret: %s", found)
	}
	return pe
}

// many runs f in n goroutines and returns when all have returned.
func many(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// roundTripper is a function that is an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// jsonResponse makes an answer without a socket.
func jsonResponse(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), ProtoMajor: 1, ProtoMinor: 1,
	}
}

// flowOf is a flow that brings one token.
func flowOf(token *core.Token) core.Flow {
	return flowFunc(func(context.Context) (*core.Token, error) { return token, nil })
}
