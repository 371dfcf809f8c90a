package core_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// needle is the secret that tests look for.
const needle = "needle-that-must-not-be-seen"

// shows tells whether text holds the needle, in any coding that printing gives.
func shows(text string) bool {
	hex := fmt.Sprintf("%x", needle)
	numbers := strings.Trim(fmt.Sprint([]byte(needle[:8])), "[]")
	// Base64 at any of its three alignments.
	for i := range 3 {
		b := base64.StdEncoding.EncodeToString([]byte(needle[i:]))
		if strings.Contains(text, b[:16]) {
			return true
		}
	}
	return strings.Contains(text, needle) || strings.Contains(strings.ToLower(text), hex) || strings.Contains(text, numbers)
}

// secretValues are what a program may print, each with the needle in it.
func secretValues(t *testing.T) map[string]any {
	t.Helper()
	secrets := core.ClientSecrets{ClientID: "id", ClientSecret: needle}
	client, err := oidc.NewClient(secrets, oidc.ProviderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	token := core.Token{AccessToken: needle, RefreshToken: needle, IDToken: needle, Scopes: []string{"openid"}}
	id := core.IDToken{Value: needle, Email: ada, Audience: "id"}
	record := core.Record{Data: []byte(`{"x":"` + needle + `"}`), Revision: "r1"}
	return map[string]any{
		"Secret": core.Secret(needle), "*Secret": new(core.Secret(needle)), "[]Secret": []core.Secret{needle},
		"map of Secrets": map[string]core.Secret{"k": needle},
		"Token":          token, "*Token": &token, "IDToken": id, "*IDToken": &id, "[]IDToken": []core.IDToken{id},
		"Record": record, "*Record": &record, "[]Record": []core.Record{record},
		"ClientSecrets": secrets, "*ClientSecrets": &secrets, "Client": *client, "*Client": client,
		"struct": struct {
			Token core.IDToken
			Any   any
		}{id, token},
		"error": fmt.Errorf("of %v: %w", core.Secret(needle), errors.New("broken")),
	}
}

// No verb of fmt shows a secret, but %p, for which fmt asks no method and
// which go vet refuses.
func TestPrintingShowsNoSecret(t *testing.T) {
	t.Parallel()
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%U", "%b", "%o", "%e", "%t", "%T",
		"%10v", "%-100s", "%.500s", "%+q", "% x", "%#x", "%#q", "%[1]*s"}
	for name, v := range secretValues(t) {
		for _, verb := range verbs {
			if s := fmt.Sprintf(verb, v); shows(s) {
				t.Errorf("%s printed with %s: %s", name, verb, s)
			}
		}
		if s := fmt.Sprint(v, v) + fmt.Sprintln(v) + fmt.Sprintf("%v %[1]d", v); shows(s) {
			t.Errorf("%s printed: %s", name, s)
		}
	}
}

// No handler of log/slog shows a secret, as a value, in a group, or as the
// message's argument.
func TestLoggingShowsNoSecret(t *testing.T) {
	t.Parallel()
	for name, v := range secretValues(t) {
		var text, js bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&js, nil)} {
			log := slog.New(h)
			log.Info("message", "value", v)
			log.With("value", v).WithGroup("g").Info("message", slog.Group("h", "value", v))
		}
		if shows(text.String()) || shows(js.String()) {
			t.Errorf("%s logged: %s %s", name, &text, &js)
		}
	}
}

// Encoding/json shows no secret.
func TestJSONShowsNoSecret(t *testing.T) {
	t.Parallel()
	for name, v := range secretValues(t) {
		b, err := json.Marshal(v)
		if err != nil {
			continue // an error is no leak
		}
		if shows(string(b)) {
			t.Errorf("%s as JSON: %s", name, b)
		}
	}
}

// A session with tokens, its options, its client and its errors show
// none of the emulator's secrets.
func TestSessionShowsNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	tok := w.token(s)
	st, err := s.Status(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := w.store.Load(w.ctx, core.DefaultKey)
	if err != nil {
		t.Fatal(err)
	}
	w.emu.RevokeAll()
	w.clock.advance(late)
	_, refused := s.IDToken(w.ctx)
	for name, v := range map[string]any{
		"Session": s, "Session value": any(s).(core.App), "Client": s.Client(), "IDToken": tok, "Status": st, "Record": raw,
		"options": core.SessionOptions{Store: lockless{}, Client: s.Client()}, "error": refused, "TokenSource": s.TokenSource(w.ctx),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			if found := findSecret(fmt.Sprintf(verb, v)); found != "" {
				t.Errorf("%s printed with %s: %s", name, verb, found)
			}
		}
		if b, err := json.Marshal(v); err == nil && findSecret(string(b)) != "" {
			t.Errorf("%s as JSON: %s", name, b)
		}
		slog.New(w.log.logger().Handler()).Info("value", "v", v) // the log is checked at the end
	}
}

// Nor does the text of a panic, which is printed by the runtime.
func TestPanicShowsNoSecret(t *testing.T) {
	t.Parallel()
	for _, with := range []string{"secret", "id token", "token", "record", "client secrets", "error"} {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), panicEnv+"="+with)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "panic:") {
			t.Fatalf("%s: it did not panic: %v\n%s", with, err, out)
		}
		if shows(string(out)) {
			t.Errorf("a panic with a %s shows it:\n%s", with, out)
		}
	}
}

// Only Reveal gives the text; an empty Secret shows that it is empty.
func TestReveal(t *testing.T) {
	t.Parallel()
	if got := core.Secret(needle).Reveal(); got != needle {
		t.Errorf("Reveal gives %q", got)
	}
	if got := fmt.Sprintf("<%v><%v>", core.Secret(""), core.Secret(needle)); got != "<><[secret]>" {
		t.Errorf("printed %s", got)
	}
	if b, err := json.Marshal(core.Secret(needle)); err != nil || string(b) != `"[secret]"` {
		t.Errorf("%s, %v", b, err)
	}
}
