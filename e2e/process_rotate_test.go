//go:build unix

package e2e_test

import (
	"encoding/json"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// Where each refresh token works once, and its second use ends the session,
// processes that refresh at the same time never sign each other out.
func TestProcessesAndRotatingRefreshTokens(t *testing.T) {
	t.Parallel()
	rounds := 100
	if testing.Short() {
		rounds = 15
	}
	m := newSession(t, emulator.Options{RotateRefreshTokens: true, RevokeOnReuse: true})
	last := m.session(t)["refresh_token"]
	for i := range rounds {
		age(t, m.tokens(), -time.Minute)
		wantAll(t, m.together(t, 4, "token"), 0)
		m.wantRefreshes(t, i+1)
		now := m.session(t)["refresh_token"]
		if now == last {
			t.Fatal("the rotated refresh token was not saved")
		}
		last = now
	}
	m.provider.SetFault(emulator.Token, nil)
	m.run(t, "status").wantCode(t, 0)
}

// Two profiles with an account, a client and a provider each refresh at the
// same time, and never mix; a logout of one leaves the other.
func TestProfilesDoNotMix(t *testing.T) {
	t.Parallel()
	const bob = "bob@example.org"
	m := newSession(t, emulator.Options{})
	second, err := emulator.Start(t.Context(), emulator.Options{Accounts: []emulator.Account{{Email: bob}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { second.Close() })
	other := &machine{provider: second, dir: m.dir}
	m.run(t, "profile", "add", "work").wantCode(t, 0)
	client := filepath.Join(t.TempDir(), "client.json")
	writeFile(t, client, second.ClientSecrets())
	m.run(t, "--profile", "work", "configure", "--from", client).wantCode(t, 0)
	other.signIn(t, bob, "--profile", "work")
	work := filepath.Join(m.dir, "profiles", "work", "tokens.json")

	for i := range 10 {
		age(t, m.tokens(), -time.Minute)
		age(t, work, -time.Minute)
		first := make(chan []result, 1)
		go func() { first <- m.together(t, 4, "token", "--format", "json") }()
		wantOwner(t, other.together(t, 4, "--profile", "work", "token", "--format", "json"), bob, second)
		wantOwner(t, <-first, ada, m.provider)
		m.wantRefreshes(t, i+1)
		other.wantRefreshes(t, i+1)
	}
	m.run(t, "logout").wantCode(t, 0)
	m.run(t, "token").wantCode(t, 3)
	wantOwner(t, []result{m.run(t, "--profile", "work", "token", "--format", "json")}, bob, second)
	if n := second.Calls(emulator.Revoke); n != 0 {
		t.Errorf("the other provider was told to revoke something, %d times", n)
	}
}

func wantOwner(t *testing.T, results []result, email string, e *emulator.Emulator) {
	t.Helper()
	var token struct{ Email, Issuer, Audience string }
	if err := json.Unmarshal([]byte(wantAll(t, results, 0)), &token); err != nil {
		t.Fatal(err)
	}
	if want := e.Clients()[0].ID; token.Email != email || token.Issuer != e.Issuer() || token.Audience != want {
		t.Fatalf("the token is %+v, expected one of %s by %s for %s", token, email, e.Issuer(), want)
	}
}

// Ctrl-C during a refresh does not lose the refresh token that the
// provider gives for the old one.
func TestSignalDuringARotation(t *testing.T) {
	t.Parallel()
	m := newSession(t, emulator.Options{RotateRefreshTokens: true, RevokeOnReuse: true})
	old := m.session(t)["refresh_token"]
	for _, args := range [][]string{{"token"}, {"token", "--format", "header"}} {
		age(t, m.tokens(), -time.Minute)
		asked := m.refreshes()
		m.provider.SetFault(emulator.Token, &emulator.Fault{Delay: 300 * time.Millisecond, Times: 1})
		p := start(t, m.command(args...))
		poll(t, "the provider is asked", func() bool { return m.refreshes() > asked || ended(p) })
		p.signal(t, syscall.SIGINT)
		if r := p.wait(t); r.code != 1 || r.stderr != "tokentoss: error: interrupted\n" {
			t.Errorf("%q: exit code %d, %s", args, r.code, r.stderr)
		}
		now := m.session(t)["refresh_token"]
		if now == old {
			t.Errorf("%q: the rotated refresh token was lost", args)
		}
		old = now
	}
	m.run(t, "token").wantCode(t, 0)
}
