package doctor_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/frontends/cli/doctor"
)

// all is a report without a failure or a warning.
var all = []string{"configuration ok", "store ok", "provider ok", "clock ok", "session ok", "address ok", "network ok", "iap ok", "token ok", "access ok"}

func (w *world) wantWell() *doctor.Report {
	w.t.Helper()
	r := w.examine()
	if got := levels(r); !slices.Equal(got, all) {
		w.t.Errorf("%v", got)
	}
	return r
}

func TestAllIsWell(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	w.signIn()
	w.em.ResetCalls()
	r := w.wantWell()
	if n := w.em.TokenCalls("refresh_token"); n != 0 {
		t.Errorf("%d refreshes of a good token", n)
	}
	if f := r.Checks[7]; f.Facts["iap_client_id"] != "104250000042-iap.apps.googleusercontent.com" {
		t.Errorf("IAP's client: %+v", f)
	}
	if f := r.Checks[8]; f.Facts["email"] != ada {
		t.Errorf("who IAP sees: %+v", f)
	}
	// The service was asked for the page once, and not for the identity.
	if n := w.em.Calls(emulator.Upstream); n != 1 {
		t.Errorf("%d requests reached the service", n)
	}
}

// A service that is reached by TLS in the tunnel of a forward proxy.
func TestForwardProxyThatWorks(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	w.signIn()
	s := w.front(certificate{"service.example", -time.Hour, time.Hour}, nil, nil)
	w.through(&forwardProxy{status: http.StatusOK, to: s.Listener.Addr().String()})
	w.url = "https://service.example/whoami?query-secret"
	r := w.wantWell()
	if f := r.Checks[6]; !strings.Contains(f.Text, "through the forward proxy http://127.0.0.1:") {
		t.Errorf("%+v", f)
	}
}

// A proxy that makes a tunnel and then shows a page in it.
func TestPageInTunnel(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	w.through(&forwardProxy{status: http.StatusOK})
	w.url = "https://service.example/"
	found(t, w.examine(), "captive-portal")
}

// The token goes to nobody for whom IAP does not answer, nor along a redirect to
// another origin.
func TestTokenStays(t *testing.T) {
	var got atomic.Int32
	spy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie"} {
			if r.Header.Get(name) != "" {
				got.Add(1)
			}
		}
		fmt.Fprintln(rw, "hello")
	}))
	defer spy.Close()
	w := newWorld(t, emulator.Options{})
	w.signIn()
	w.url = spy.URL
	found(t, w.examine(), "not-behind-iap")
	w.url = w.em.IAPURL() + "/redirect?to=" + spy.URL
	if f := found(t, w.examine(), "redirect-away"); f.Check != doctor.Access || !slices.Equal(f.Commands, []string{"tokentoss doctor " + spy.URL}) {
		t.Errorf("%+v", f)
	}
	if n := got.Load(); n != 0 {
		t.Errorf("another server got %d credentials", n)
	}
}

// A refused token is renewed once, and what is refused then is the person's.
func TestRenewsOnce(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	w.signIn()
	w.em.ResetCalls()
	body := []byte("Invalid IAP credentials: Invalid bearer token")
	// The browser's question, IAP's answer to the first token, and then the truth.
	w.em.SetFault(emulator.IAP, &emulator.Fault{Status: 401, Header: http.Header{iapMark: {"true"}}, Body: body, Times: 2})
	w.wantWell()
	if n := w.em.TokenCalls("refresh_token"); n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
}

// A token that was refreshed long after the sign-in, and is refused: that may be an
// access level, whether or not IAP says whose it is.
func TestAccessLevelOfRefreshedToken(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	w.signIn()
	path := filepath.Join(w.dir, "tokens.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var session map[string]any
	if err := json.Unmarshal(data, &session); err != nil {
		t.Fatal(err)
	}
	session["created_at"] = time.Now().Add(-2 * time.Hour).UTC().Format(time.RFC3339)
	if data, err = json.Marshal(session); err != nil {
		t.Fatal(err)
	}
	w.write("tokens.json", string(data))
	w.em.SetFault(emulator.IAP, &emulator.Fault{Status: 401, Header: http.Header{iapMark: {"true"}}, Body: []byte("no")})
	r := w.examine()
	if f := found(t, r, "access-level"); r.ExitCode != 3 || !slices.Equal(f.Commands, []string{"tokentoss login"}) {
		t.Errorf("exit code %d: %+v", r.ExitCode, f)
	}
}

// IAP knows whose token it is, refuses it, and it is that of the sign-in: then a
// sign-in does not help.
func TestRefusedTokenOfSignIn(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	w.signIn()
	w.em.SetIAPPolicy(emulator.RefuseAlways)
	if r := w.examine(); r.ExitCode != 4 {
		t.Errorf("exit code %d: %+v", r.ExitCode, found(t, r, "token-refused"))
	}
}

// What IAP says names both audiences; the commands are ready to be run.
func TestAudience(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	w.signIn()
	own := w.em.Clients()[0].ID
	const expected = "555555555555-abc.apps.googleusercontent.com"
	w.em.SetFault(emulator.IAP, &emulator.Fault{Status: 401, Header: http.Header{iapMark: {"true"}}, Body: []byte(
		"Invalid IAP credentials: JWT audience doesn't match this application ('aud' claim (" + own + ") doesn't match expected value (" + expected + "))")})
	r := w.examine()
	f := found(t, r, "audience")
	if f.Facts["expected"] != expected || f.Facts["client_id"] != own || r.ExitCode != 4 || !strings.Contains(f.Cause, expected) {
		t.Errorf("exit code %d: %+v", r.ExitCode, f)
	}
	if n := w.em.TokenCalls("refresh_token"); n != 0 {
		t.Errorf("%d refreshes, where a newer token cannot help", n)
	}
	want := []string{
		"gcloud iap settings get \\\n    --project=PROJECT --resource-type=compute --service=SERVICE",
		"echo 'access_settings:\n  oauth_settings:\n    programmatic_clients: [\"" + own + "\"]' > settings.yaml",
		"gcloud iap settings set settings.yaml \\\n    --project=PROJECT --resource-type=compute --service=SERVICE",
	}
	if !slices.Equal(f.Commands, want) {
		t.Errorf("commands %q", f.Commands)
	}
}

// The service is behind one IAP and a path of it behind another, as backends of a
// load balancer are.
func TestRefusedBehindRedirect(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	w.signIn()
	w.em.SetIAPPolicy(func(r emulator.IAPRequest) emulator.IAPDecision {
		if r.Path == "/whoami" && r.Email != "" {
			return emulator.IAPDecision{Status: 403, Text: "You don't have access"}
		}
		return r.Decision
	})
	w.url = w.em.IAPURL() + "/redirect?to=/whoami"
	r := w.examine()
	f := found(t, r, "no-role")
	if r.ExitCode != 4 || !strings.Contains(f.Commands[0], "--member=user:"+ada+" --role=roles/iap.httpsResourceAccessor") {
		t.Errorf("exit code %d: %+v", r.ExitCode, f)
	}
}

// The clock of the service counts where the provider's cannot be asked.
func TestClockOfService(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	w.em.SetClockOffset(-time.Hour)
	w.em.SetFault(emulator.Discovery, &emulator.Fault{Status: 503})
	f := found(t, w.examine(), "clock-wrong")
	if got := f.Facts["offset"]; got != "1h0m0s" && got != "59m59s" && got != "1h0m1s" || !strings.HasPrefix(f.Facts["other"], "ahead of that of 127.0.0.1:") {
		t.Errorf("%+v", f)
	}
}

// A provider that cannot be reached has the cases of the network.
func TestProviderOutOfReach(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	w.signIn()
	if err := w.em.Close(); err != nil {
		t.Fatal(err)
	}
	r := w.examine()
	want := []string{"configuration ok", "store ok", "provider fail connection-refused", "session ok", "address ok", "network fail connection-refused"}
	if !slices.Equal(levels(r), want) || r.ExitCode != 1 {
		t.Errorf("%v, exit code %d", levels(r), r.ExitCode)
	}
}

// Without an OAuth client there is still something to say about the service.
func TestNothingConfigured(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	if err := os.Remove(filepath.Join(w.dir, "client_secrets.json")); err != nil {
		t.Fatal(err)
	}
	r := w.examine()
	if want := []string{"configuration fail not-configured", "address ok", "network ok", "clock ok", "iap ok"}; !slices.Equal(levels(r), want) {
		t.Errorf("%v", levels(r))
	}
}

// Whatever a server says goes to a terminal as one line of text.
func TestTextFromElsewhere(t *testing.T) {
	w := newWorld(t, emulator.Options{})
	w.signIn()
	w.em.SetFault(emulator.IAP, &emulator.Fault{Status: 302, Header: http.Header{iapMark: {"true"},
		"Location": {"https://evil.example/\x1b[2Jx?client_id=%1b%5b2J%0a$(reboot)"}}})
	for _, f := range w.examine().Checks {
		for _, s := range append(append([]string{f.Text, f.Seen, f.Cause}, f.Do...), f.Commands...) {
			if strings.ContainsAny(s, "\x1b\n") {
				t.Errorf("%q", s)
			}
		}
	}
}
