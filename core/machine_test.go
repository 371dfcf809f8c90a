package core_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

const robot = "robot@project.iam.gserviceaccount.com"

// A robotFlow is a machine's flow: the emulator's metadata server, without the way
// to it. It counts.
type robotFlow struct {
	e        *emulator.Emulator
	mu       sync.Mutex
	calls    int
	err      error
	offset   time.Duration
	audience string
	asked    error // what the Prompter said
}

func (f *robotFlow) SignIn(ctx context.Context, p core.Prompter) (*core.Token, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	_, f.asked = p.Prompt(ctx, core.Prompt{URL: "https://example.com"})
	if f.err != nil {
		return nil, f.err
	}
	req, err := http.NewRequestWithContext(ctx, "GET", f.e.GoogleURL()+"/computeMetadata/v1/instance/service-accounts/default/identity?format=full&audience="+f.audience, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Metadata-Flavor", "Google")
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	token, err := io.ReadAll(res.Body)
	return &core.Token{IDToken: core.Secret(token), ClockOffset: f.offset}, err
}

func (f *robotFlow) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *robotFlow) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// A machineWorld is a machine and its stores.
type machineWorld struct {
	*world
	flow *robotFlow
}

func newMachineWorld(t *testing.T) *machineWorld {
	t.Helper()
	w := newWorld(t, func(o *emulator.Options) { o.ServiceAccounts = []emulator.ServiceAccount{{Email: robot}} })
	return &machineWorld{world: w, flow: &robotFlow{e: w.emu, audience: "aud-1"}}
}

// machine is the one whose flow the world has.
func (w *machineWorld) machine() *core.Machine {
	return &core.Machine{Name: "metadata server for aud-1", Issuer: w.flow.e.Issuer(), Audience: "aud-1", Flow: w.flow}
}

func (w *machineWorld) session(m *core.Machine) *core.Session {
	w.t.Helper()
	s, err := core.NewSession(core.SessionOptions{Store: w.store, Machine: m, Now: w.clock.Now, Lifetime: time.Minute})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.Close() })
	return s
}

// A machine gets its token without a sign-in, keeps it in the store for all, and
// gets the next one when it is time; it is never signed out by age.
func TestMachine(t *testing.T) {
	t.Parallel()
	w := newMachineWorld(t)
	var all sync.WaitGroup
	for range 8 {
		s := w.session(w.machine())
		for range 8 {
			all.Go(func() {
				id, err := s.IDToken(context.Background())
				if err != nil || id.Email != robot || id.Audience != "aud-1" {
					t.Errorf("%v, %v", id, err)
				}
			})
		}
	}
	all.Wait()
	if n := w.flow.count(); n != 1 {
		t.Errorf("%d requests for 64 callers in 8 processes", n)
	}
	if w.flow.asked == nil {
		t.Error("somebody answered the prompt")
	}
	s := w.session(w.machine())
	first, err := s.IDToken(t.Context())
	if err != nil || w.flow.count() != 1 {
		t.Errorf("%v, %d requests", err, w.flow.count())
	}
	w.clock.advance(time.Hour)
	second, err := s.IDToken(t.Context())
	if err != nil || second.Value == first.Value || second.Generation <= first.Generation || w.flow.count() != 2 {
		t.Errorf("after an hour: %v, %v, %d requests", second, err, w.flow.count())
	}
	third, err := s.Renew(t.Context(), second)
	if err != nil || third.Value == second.Value {
		t.Errorf("renewed: %v, %v", third, err)
	}
	if _, err := s.Renew(t.Context(), third); !errors.Is(err, core.ErrRenewedRecently) {
		t.Errorf("renewed again: %v", err)
	}
	st, err := s.Status(t.Context())
	if err != nil || st.State != core.SignedIn || st.Email != robot || st.Machine != "metadata server for aud-1" || st.ClientID != "aud-1" || !st.SessionEnds.IsZero() {
		t.Errorf("%+v, %v", st, err)
	}
}

// A machine that has no token says so, to all from one request, and tries again; it
// never asks for a sign-in.
func TestMachineFails(t *testing.T) {
	t.Parallel()
	w := newMachineWorld(t)
	denied := &oidc.ProviderError{Endpoint: "token", Host: "oauth2.example", Status: 400, Code: "invalid_grant", Problem: "answered 400 invalid_grant", Next: fault.Say("make a new key")}
	w.flow.err = denied
	for range 10 {
		_, err := w.session(w.machine()).IDToken(t.Context())
		var pe *oidc.ProviderError
		if !errors.As(err, &pe) || pe.Code != "invalid_grant" || fault.Hint(err) != "make a new key" || errors.Is(err, core.ErrSignInNeeded) {
			t.Fatalf("%v", err)
		}
	}
	if n := w.flow.count(); n != 1 {
		t.Errorf("%d requests", n)
	}
	s := w.session(w.machine())
	st, err := s.Status(t.Context())
	if err != nil || st.State != core.SignedIn || !strings.Contains(st.Reason, "invalid_grant") || st.Email != "" {
		t.Errorf("%+v, %v", st, err)
	}
	w.clock.advance(10 * time.Second)
	w.flow.set(func() { w.flow.err = nil })
	if _, err := s.IDToken(t.Context()); err != nil {
		t.Errorf("healed: %v", err)
	}
	if st, err := s.Status(t.Context()); err != nil || st.Reason != "" || st.Email != robot {
		t.Errorf("%+v, %v", st, err)
	}
	// A good token is used while another one is not to be had.
	w.clock.advance(57 * time.Minute)
	w.flow.set(func() { w.flow.err = denied })
	if _, err := s.IDToken(t.Context()); err != nil {
		t.Errorf("in its last minutes: %v", err)
	}
}

// A token that is not the machine's, or not for its audience, is not taken.
func TestMachineClaims(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(w *machineWorld, m *core.Machine)
		claim  string
	}{
		"another audience": {func(_ *machineWorld, m *core.Machine) { m.Audience = "aud-2" }, "aud"},
		"two audiences": {func(w *machineWorld, _ *core.Machine) {
			w.flow.e.SetIDTokenClaims(func(_, c map[string]any) { c["aud"] = []string{"aud-1", "aud-2"} })
		}, "aud"},
		"another issuer":  {func(_ *machineWorld, m *core.Machine) { m.Issuer = "" }, "iss"},
		"not self-signed": {func(_ *machineWorld, m *core.Machine) { m.SelfSigned = true }, "iss"},
		"no address": {func(w *machineWorld, _ *core.Machine) {
			w.flow.e.SetIDTokenClaims(func(_, c map[string]any) { delete(c, "email") })
		}, "email"},
		"no subject": {func(w *machineWorld, _ *core.Machine) {
			w.flow.e.SetIDTokenClaims(func(_, c map[string]any) { delete(c, "sub") })
		}, "sub"},
	} {
		w := newMachineWorld(t)
		m := w.machine()
		tt.change(w, m)
		_, err := w.session(m).IDToken(t.Context())
		var ce *oidc.ClaimError
		if !errors.As(err, &ce) || ce.Claim != tt.claim {
			t.Errorf("%s: %v, want %s", name, err, tt.claim)
		}
	}
}

// A token that the machine signed itself is of its subject.
func TestSelfSigned(t *testing.T) {
	t.Parallel()
	w := newMachineWorld(t)
	w.flow.e.SetIDTokenClaims(func(_, c map[string]any) {
		c["iss"], c["sub"] = robot, robot
		delete(c, "email")
		delete(c, "email_verified")
	})
	m := w.machine()
	m.SelfSigned = true
	if _, err := w.session(m).IDToken(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := w.session(m) // another process reads what the first stored
	id, err := s.IDToken(t.Context())
	if err != nil || id.Email != robot || w.flow.count() != 1 {
		t.Errorf("%v, %v, %d requests", id, err, w.flow.count())
	}
	if st, err := s.Status(t.Context()); err != nil || st.Email != robot || st.Issuer != robot {
		t.Errorf("%+v, %v", st, err)
	}
}

// The clock of a machine may be wrong, and its tokens are used for as long as they
// live by the provider's.
func TestMachineClock(t *testing.T) {
	t.Parallel()
	for _, offset := range []time.Duration{10 * time.Minute, -10 * time.Minute, 26 * time.Hour} {
		w := newMachineWorld(t)
		w.flow.e.SetClockOffset(-offset)
		w.flow.set(func() { w.flow.offset = offset })
		s := w.session(w.machine())
		for range 10 {
			if _, err := s.IDToken(t.Context()); err != nil {
				t.Fatalf("%s: %v", offset, err)
			}
		}
		w.clock.advance(50 * time.Minute)
		if _, err := s.IDToken(t.Context()); err != nil || w.flow.count() != 1 {
			t.Errorf("%s: %v, %d requests", offset, err, w.flow.count())
		}
		w.clock.advance(10 * time.Minute)
		if _, err := s.IDToken(t.Context()); err != nil || w.flow.count() != 2 {
			t.Errorf("%s, an hour later: %v, %d requests", offset, err, w.flow.count())
		}
		// A jump in mid-run costs one request, not a stream of them.
		w.clock.advance(-24 * time.Hour)
		w.flow.set(func() { w.flow.offset -= 24 * time.Hour })
		w.flow.e.SetClockOffset(-offset + 24*time.Hour)
		for range 10 {
			if _, err := s.IDToken(t.Context()); err != nil {
				t.Errorf("%s, after a jump: %v", offset, err)
			}
		}
		if n := w.flow.count(); n > 3 {
			t.Errorf("%s, after a jump: %d requests", offset, n)
		}
	}
	// When the provider's clock is not known, the times must fit; the error names the clock.
	w := newMachineWorld(t)
	w.flow.e.SetClockOffset(-2 * time.Hour)
	for range 10 {
		if _, err := w.session(w.machine()).IDToken(t.Context()); !errors.As(err, new(*oidc.ClockError)) {
			t.Errorf("%v", err)
		}
	}
	if n := w.flow.count(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// What another machine stored is not given out, and is replaced.
func TestOtherMachine(t *testing.T) {
	t.Parallel()
	w := newMachineWorld(t)
	if _, err := w.session(w.machine()).IDToken(t.Context()); err != nil {
		t.Fatal(err)
	}
	m := w.machine()
	m.Name, m.Audience = "metadata server for aud-2", "aud-2"
	w.flow.set(func() { w.flow.audience = "aud-2" })
	s := w.session(m)
	if st, err := s.Status(t.Context()); err != nil || st.Email != "" || !st.TokenExpiry.IsZero() {
		t.Errorf("%+v, %v", st, err)
	}
	if id, err := s.IDToken(t.Context()); err != nil || id.Audience != "aud-2" {
		t.Errorf("%v, %v", id, err)
	}
}

// A person's session is not overwritten, and not signed out of.
func TestMachineAndPerson(t *testing.T) {
	t.Parallel()
	p := newWorld(t)
	p.signedIn()
	before := string(p.store.raw(core.DefaultKey))
	w := newMachineWorld(t)
	w.store = p.store
	m := w.machine()
	m.Audience = p.client().ID // as a rule it is the same
	w.flow.set(func() { w.flow.audience = m.Audience })
	s := w.session(m)
	check := func(what string, err error) {
		var pe *core.PersonsSessionError
		if !errors.As(err, &pe) || pe.Email != ada || pe.Remedy().IsZero() {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := s.IDToken(t.Context())
	check("IDToken", err)
	_, err = s.Status(t.Context())
	check("Status", err)
	check("SignOut", s.SignOut(t.Context()))
	if string(p.store.raw(core.DefaultKey)) != before {
		t.Error("the session was changed")
	}
	if err := s.Forget(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := s.IDToken(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	// The other way round, a person is asked to sign in.
	if _, err := p.session().IDToken(t.Context()); !errors.Is(err, core.ErrSignInNeeded) {
		t.Errorf("a person meets a machine's: %v", err)
	}
}

// Without a flow, a session gives what others have obtained.
func TestNoFlow(t *testing.T) {
	t.Parallel()
	w := newMachineWorld(t)
	m := w.machine()
	m.Flow = nil
	light := w.session(m)
	if _, err := light.IDToken(t.Context()); !errors.Is(err, core.ErrNoFlow) {
		t.Errorf("nothing stored: %v", err)
	}
	if _, err := w.session(w.machine()).IDToken(t.Context()); err != nil {
		t.Fatal(err)
	}
	id, err := light.IDToken(t.Context())
	if err != nil || id.Email != robot {
		t.Errorf("%v, %v", id, err)
	}
	if _, err := light.Renew(t.Context(), id); !errors.Is(err, core.ErrNoFlow) {
		t.Errorf("renew: %v", err)
	}
	w.clock.advance(57 * time.Minute)
	if _, err := light.IDToken(t.Context()); err != nil {
		t.Errorf("in its last minutes: %v", err)
	}
	w.clock.advance(3 * time.Minute)
	if _, err := light.IDToken(t.Context()); !errors.Is(err, core.ErrNoFlow) {
		t.Errorf("expired: %v", err)
	}
}

// To sign in is to try; to sign out is to forget. What is damaged is set aside.
func TestMachineSignIn(t *testing.T) {
	t.Parallel()
	w := newMachineWorld(t)
	s := w.session(w.machine())
	st, err := s.SignIn(t.Context(), core.PrompterFunc(func(context.Context, core.Prompt) (string, error) {
		t.Error("a person was asked")
		return "", nil
	}))
	if err != nil || st.Email != robot {
		t.Errorf("%+v, %v", st, err)
	}
	if err := s.SignOut(t.Context()); err != nil {
		t.Error(err)
	}
	if w.store.raw(core.DefaultKey) != nil {
		t.Error("something is left")
	}
	if n := len(w.flow.e.Requests(emulator.Revoke)); n != 0 {
		t.Errorf("%d requests to revoke", n)
	}
	moving := &moving{memory: w.store}
	w.store.setRaw(core.DefaultKey, []byte(`{"access_token": "A`))
	s, err = core.NewSession(core.SessionOptions{Store: moving, Machine: w.machine(), Now: w.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.IDToken(t.Context()); err != nil || len(moving.moved) != 1 {
		t.Errorf("%v, set aside: %q", err, moving.moved)
	}
}
