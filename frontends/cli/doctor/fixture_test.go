package doctor_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap/tunnel"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/frontends/cli/doctor"
	"github.com/tokentoss/tokentoss/profile"
)

const ada = "ada@example.com"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is a Google, an IAP and a person's machine.
type world struct {
	t   *testing.T
	em  *emulator.Emulator
	dir string // the configuration directory

	url       string          // to examine; empty is IAP's /whoami
	transport *http.Transport // to the service
	timeout   time.Duration
	refreshes int                  // how many the provider may be asked for; 0 is one
	tunnel    *doctor.TunnelTarget // of which the dialer is missing; nil examines the URL
}

func newWorld(t *testing.T, o emulator.Options) *world {
	t.Helper()
	// The machine of the test has nothing to say.
	for _, name := range []string{profile.EnvProfile, profile.EnvStore, profile.EnvTokenFile, "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, "")
	}
	t.Setenv(profile.EnvInsecureLoopback, "1")
	o.Accounts = []emulator.Account{{Email: ada}}
	em, err := emulator.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = em.Close() })
	w := &world{t: t, em: em, dir: filepath.Join(t.TempDir(), "tokentoss"), transport: &http.Transport{}}
	w.write("client_secrets.json", string(em.ClientSecrets()))
	return w
}

// write writes a file of the configuration.
func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// signIn is a person who signs in by pasting where the browser ended.
func (w *world) signIn() {
	w.t.Helper()
	p, err := profile.Open(profile.Options{Dir: w.dir})
	if err != nil {
		w.t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.SignIn(w.t.Context(), browser{w.em}); err != nil {
		w.t.Fatal(err)
	}
}

type browser struct{ em *emulator.Emulator }

// Prompt implements [core.Prompter].
func (b browser) Prompt(ctx context.Context, p core.Prompt) (string, error) {
	return b.em.Authorize(ctx, p.URL, ada)
}

// signInBriefly signs in with a token that has expired, as far as a provider's clock may be off.
func (w *world) signInBriefly() {
	w.em.SetTokenLifetime(-5 * time.Second)
	w.signIn()
	w.em.SetTokenLifetime(time.Hour)
}

// examine runs the doctor, and checks what holds for every report.
func (w *world) examine() *doctor.Report {
	w.t.Helper()
	before := w.em.TokenCalls("refresh_token")
	o := doctor.Options{Timeout: w.timeout, Transport: w.transport,
		Explain:  func(err error) (string, string) { return err.Error(), "" },
		ExitCode: func(error) int { return 1 },
	}
	raw := w.url
	if raw == "" {
		raw = w.em.IAPURL() + "/whoami"
	}
	u, err := url.Parse(raw)
	if err != nil {
		w.t.Fatal(err)
	}
	if o.URL = u; w.tunnel != nil {
		o.URL = nil
	}
	if o.Profile, o.OpenErr = profile.Open(profile.Options{Dir: w.dir, OneShot: true}); o.OpenErr == nil {
		defer o.Profile.Close()
		if o.Tunnel = w.tunnel; o.Tunnel != nil {
			o.Tunnel.Dialer = &tunnel.Dialer{
				TokenSource: o.Profile.AccessTokenSource(w.t.Context()), Project: "p", Zone: "z", Relay: w.em.RelayURL(), InsecureLoopback: true,
				HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
			}
		}
	}
	r := doctor.Examine(w.t.Context(), o)
	if n := w.em.TokenCalls("refresh_token") - before; n > max(w.refreshes, 1) {
		w.t.Errorf("%d refreshes", n)
	}
	w.checkSecrets(r)
	if r.OK != !slices.ContainsFunc(r.Checks, func(f doctor.Result) bool { return f.Level == doctor.Fail }) || r.OK != (r.ExitCode == 0) {
		w.t.Errorf("ok is %v and the exit code %d, after %v", r.OK, r.ExitCode, levels(r))
	}
	return r
}

// checkSecrets finds what no report may have.
func (w *world) checkSecrets(r *doctor.Report) {
	w.t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		w.t.Fatal(err)
	}
	secrets := []string{w.em.Clients()[0].Secret, "query-secret"}
	if data, err := os.ReadFile(filepath.Join(w.dir, "tokens.json")); err == nil {
		var session map[string]any
		if json.Unmarshal(data, &session) == nil {
			for _, name := range []string{"id_token", "access_token", "refresh_token"} {
				if s, _ := session[name].(string); s != "" {
					secrets = append(secrets, strings.Split(s, ".")...)
				}
			}
		}
	}
	for _, s := range secrets {
		if len(s) > 8 && strings.Contains(string(text), s) {
			w.t.Errorf("the report shows a secret: %s", text)
		}
	}
}

// levels says how the checks ended, in short.
func levels(r *doctor.Report) []string {
	var list []string
	for _, f := range r.Checks {
		list = append(list, strings.TrimSuffix(string(f.Check)+" "+string(f.Level)+" "+string(f.Code), " "))
	}
	return list
}

// found returns the finding of a case.
func found(t *testing.T, r *doctor.Report, id doctor.Code) doctor.Result {
	t.Helper()
	i := slices.IndexFunc(r.Checks, func(f doctor.Result) bool { return f.Code == id })
	if i < 0 {
		t.Fatalf("no %s among %v", id, levels(r))
	}
	return r.Checks[i]
}
