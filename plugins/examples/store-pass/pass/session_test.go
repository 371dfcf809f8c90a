package pass_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/examples/store-pass/pass"
	"github.com/tokentoss/tokentoss/plugins/host"
)

// The executable, installed, opened by its name, keeps the session of a person who
// signs in, for another process, until that person signs out.
func TestInstalled(t *testing.T) {
	r := place(t)
	h, name := install(t)
	google, err := emulator.Start(t.Context(), emulator.Options{AutoConsent: ada, Accounts: []emulator.Account{{Email: ada}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = google.Close() })

	here := session(t, h, name, r, google)
	if st, err := here.SignIn(t.Context(), core.PrompterFunc(browse)); err != nil || st.Email != ada {
		t.Fatalf("SignIn gives %q, %v", st.Email, err)
	}
	token, err := here.IDToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	var kept struct {
		RefreshToken string `json:"refresh_token"`
		Email        string `json:"user_email"`
	}
	shown := command(t, dirOf(t, r), "show", "tokentoss/"+core.DefaultKey)
	if err := json.Unmarshal([]byte(shown), &kept); err != nil || kept.RefreshToken == "" || kept.Email != ada {
		t.Errorf("pass shows no session of %s: %v", ada, err)
	}

	there := session(t, h, name, r, google)
	if got, err := there.IDToken(t.Context()); err != nil || got.Value != token.Value {
		t.Errorf("another process has another token: %v", err)
	}
	renewed, err := there.Renew(t.Context(), token)
	if err != nil || renewed.Generation <= token.Generation {
		t.Fatalf("Renew gives generation %d after %d, %v", renewed.Generation, token.Generation, err)
	}
	if got, err := here.Renew(t.Context(), token); err != nil || got.Value != renewed.Value || google.Calls(emulator.Token) != 2 {
		t.Errorf("the first process does not use what the second renewed: %v; there were %d token requests", err, google.Calls(emulator.Token))
	}
	if err := there.SignOut(t.Context()); err != nil {
		t.Errorf("SignOut: %v", err)
	}
	if list := command(t, dirOf(t, r), "ls"); strings.Contains(list, core.DefaultKey) {
		t.Errorf("after the sign-out pass lists\n%s", list)
	}
}

// install builds the plugin as a user does, and installs it.
func install(t *testing.T) (*host.Host, string) {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "store-pass")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", exe, "..").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	h := &host.Host{Dir: filepath.Join(t.TempDir(), "tokentoss")}
	got, err := h.Install(t.Context(), exe, "")
	if err != nil {
		t.Fatalf("installing: %v", err)
	}
	if got.Name != pass.Plugin().Name || got.Kind != plugins.KindStore || !got.Locking || !got.Listing || len(got.Settings) != 2 {
		t.Errorf("what is installed says that it is %+v", got.Description)
	}
	if want := filepath.Join(h.Dir, "plugins", got.Name+"-"+got.SHA256[:12]); got.Path != want {
		t.Errorf("it is installed as %s, want %s", got.Path, want)
	}
	if err := os.Remove(exe); err != nil { // a copy was installed
		t.Fatal(err)
	}
	if err := h.Verify(t.Context(), got.Name); err != nil {
		t.Errorf("verifying: %v", err)
	}
	return h, got.Name
}

// session opens the store by its name, in a process of its own.
func session(t *testing.T, h *host.Host, name string, r plugins.Request, google *emulator.Emulator) *core.Session {
	t.Helper()
	store, err := h.OpenStore(t.Context(), host.Use{Plugin: name, Request: r})
	if err != nil {
		t.Fatalf("opening %s: %v", name, err)
	}
	secrets, err := oidc.ParseClientSecrets(google.ClientSecrets())
	if err != nil {
		t.Fatal(err)
	}
	client, err := oidc.NewClient(secrets, oidc.ProviderOptions{InsecureLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := core.NewSession(core.SessionOptions{Store: store, Client: client, Flow: authcode.New(authcode.Options{Timeout: time.Minute})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the session: %v", err)
		}
	})
	return s
}

// browse is the browser of a person who agrees.
func browse(ctx context.Context, p core.Prompt) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	return "", resp.Body.Close()
}
