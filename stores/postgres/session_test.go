package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/core/storetest/pgtest"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/emulator/emulatortest"
	"github.com/tokentoss/tokentoss/stores/postgres"
)

const ada = "ada@example.com"

// A world is a provider, which punishes who uses a refresh token twice, and a person whose
// machines share a session.
type world struct {
	t     *testing.T
	emu   *emulator.Emulator
	clock *emulatortest.Clock
	store postgres.Config
}

func newWorld(t *testing.T, store postgres.Config) *world {
	t.Helper()
	w := &world{t: t, store: store, clock: emulatortest.NewClock(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC))}
	var err error
	w.emu, err = emulator.Start(context.Background(), emulator.Options{
		Now: w.clock.Now, Accounts: []emulator.Account{{Email: ada}}, RotateRefreshTokens: true, RevokeOnReuse: true,
	})
	must(t, err)
	t.Cleanup(func() { must(t, w.emu.Close()) })
	return w
}

// machine returns the session of one that reaches the provider by transport.
func (w *world) machine(transport http.RoundTripper) *core.Session {
	w.t.Helper()
	secrets, err := oidc.ParseClientSecrets(w.emu.ClientSecrets())
	must(w.t, err)
	client, err := oidc.NewClient(secrets, oidc.ProviderOptions{InsecureLoopback: true, Now: w.clock.Now, Transport: transport})
	must(w.t, err)
	store, err := postgres.OpenPlain(w.t.Context(), w.store)
	must(w.t, err)
	s, err := core.NewSession(core.SessionOptions{Store: store, Client: client, Now: w.clock.Now, Flow: w.flow, LockTimeout: time.Minute})
	must(w.t, err)
	w.t.Cleanup(func() { must(w.t, s.Close()) })
	return s
}

func (w *world) signIn(s *core.Session) {
	w.t.Helper()
	_, err := s.SignIn(w.t.Context(), nil)
	must(w.t, err)
}

func (w *world) token(s *core.Session) core.Secret {
	w.t.Helper()
	token, err := s.IDToken(w.t.Context())
	must(w.t, err)
	if !token.Expiry.After(w.clock.Now()) {
		w.t.Error("the token has expired")
	}
	return token.Value
}

func (w *world) flow(c *oidc.Client) core.Flow { return flow{w.emu, c} }

// A flow is the code flow with the emulator's Authorize for a browser.
type flow struct {
	emu    *emulator.Emulator
	client *oidc.Client
}

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

// A gate stops a machine's refreshes before the provider gets them.
type gate struct{ stopped, opened chan struct{} }

// RoundTrip implements [http.RoundTripper].
func (g gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost {
		close(g.stopped)
		<-g.opened
	}
	return (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
}

// ownServer returns a server of the test's own.
func ownServer(t *testing.T) *pgtest.Server {
	t.Helper()
	srv, err := pgtest.Start()
	if errors.Is(err, pgtest.ErrNotInstalled) {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(func() { must(t, srv.Stop()) })
	return srv
}

// The database crashes while a machine that has the lock waits for the provider, and comes
// back: what the provider gave is saved, and no other machine asks with the old refresh token.
func TestServerRestartsDuringTheRefresh(t *testing.T) {
	srv := ownServer(t)
	c := config(t, srv)
	c.Timeout = "20s"
	w := newWorld(t, c)
	g := gate{make(chan struct{}), make(chan struct{})}
	holder, other := w.machine(g), w.machine(nil)
	w.signIn(other)
	w.clock.Advance(2 * time.Hour)
	got := make(chan core.Secret, 1)
	go func() {
		token, err := holder.IDToken(context.WithoutCancel(t.Context()))
		if err != nil {
			t.Errorf("IDToken: %v", err)
		}
		got <- token.Value
	}()
	<-g.stopped
	must(t, srv.Interrupt())
	close(g.opened)
	for w.emu.TokenCalls("refresh_token") == 0 {
		time.Sleep(time.Millisecond)
	}
	must(t, srv.Begin())
	if token := <-got; w.token(other) != token {
		t.Error("the machines have different tokens")
	}
	if n := w.emu.TokenCalls("refresh_token"); n != 1 {
		t.Errorf("the provider was asked %d times, want once", n)
	}
}

// The database's disk is full: what is stored stays, saves say what is the matter, and all
// goes on when there is room again.
func TestDiskOfTheDatabaseIsFull(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	disk, err := os.MkdirTemp("", "tokentoss-small-disk")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(disk)) })
	mountSmall(t, disk)
	t.Setenv("TMPDIR", disk)
	srv := ownServer(t)
	c := config(t, srv)
	c.Timeout = "2s"
	s := openPlain(t, c)
	kept, err := s.Save(t.Context(), "kept", core.Record{Data: []byte("kept")})
	must(t, err)
	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)
	data := make([]byte, 1<<20)
	for i := 0; err == nil; i++ {
		_, _ = rand.Read(data) // or the database would compress it
		_, err = s.Save(t.Context(), strings.ToLower(rand.Text()), core.Record{Data: data})
		if i > 1000 {
			t.Fatal("a full disk has room for a thousand documents")
		}
	}
	if !errors.Is(err, core.ErrReadOnly) && !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("Save: error %v, want core.ErrReadOnly, or core.ErrUnavailable of a server that gave up", err)
	}
	must(t, os.Remove(ballast))
	if _, err := s.Load(t.Context(), "kept"); err != nil { // it could not write its log, and has ended
		must(t, srv.Interrupt())
		must(t, srv.Begin())
	}
	got, err := s.Load(t.Context(), "kept")
	if err != nil || string(got.Data) != "kept" || got.Revision != kept.Revision {
		t.Errorf("Load: %q, error %v", got.Data, err)
	}
	_, err = s.Save(t.Context(), "kept", core.Record{Data: []byte("next"), Revision: kept.Revision})
	must(t, err)
}

// fill makes a file that takes all the room there is.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	must(t, f.Close())
}
