package machine_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/googleid/machine"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// wantProvider checks an answer of the provider's, and that the error says what to
// do next.
func wantProvider(t *testing.T, name string, err error, code, hint string) {
	t.Helper()
	var pe *oidc.ProviderError
	if !errors.As(err, &pe) || pe.Code != code || !strings.Contains(pe.Next.String(), hint) || hint == "" && !pe.Next.IsZero() {
		t.Errorf("%s: %v (%+v), want %s and a hint with %q", name, err, pe, code, hint)
	}
}

// What Google refuses is told with the next step, and is no wish for a sign-in.
func TestRefusedByGoogle(t *testing.T) {
	w := newWorld(t)
	w.onGCE()
	key := w.key(robot)
	byKey := machine.Options{Flow: machine.ServiceAccount, KeyFile: key}
	_, err := w.signIn(machine.Options{Flow: machine.Impersonation, Account: locked})
	wantProvider(t, "no role", err, "permission_denied", "roles/iam.serviceAccountOpenIdTokenCreator")
	_, err = w.signIn(machine.Options{Flow: machine.SignedJWT, Account: locked, Audience: w.e.IAPURL() + "/*"})
	wantProvider(t, "no role to sign", err, "permission_denied", "roles/iam.serviceAccountTokenCreator")
	_, err = w.signIn(machine.Options{Flow: machine.Metadata, Account: deploy})
	wantProvider(t, "not the machine's account", err, "", "give this machine a service account")

	w.e.SetClockOffset(-30 * time.Minute)
	var ce *oidc.ClockError
	if _, err = w.signIn(byKey); !errors.As(err, &ce) || ce.Offset.Round(time.Minute) != 30*time.Minute {
		t.Errorf("clock: %v", err)
	}
	// Where Google signs, and tells the time before, a wrong clock does no harm.
	if _, err = w.signIn(machine.Options{Flow: machine.SignedJWT, Account: deploy, Audience: w.e.IAPURL() + "/*"}); err != nil {
		t.Errorf("signed by Google, by a wrong clock: %v", err)
	}
	w.e.SetClockOffset(0)

	w.e.DeleteServiceAccountKeys(robot)
	_, err = w.signIn(byKey)
	wantProvider(t, "a deleted key", err, "invalid_grant", "gcloud iam service-accounts keys create "+key+" --iam-account "+robot)
	_, err = w.signIn(machine.Options{Flow: machine.Impersonation, KeyFile: key, Account: deploy})
	wantProvider(t, "a deleted key, to impersonate", err, "invalid_grant", "keys create")
	if errors.Is(err, core.ErrSignInNeeded) {
		t.Error("a machine was asked to sign in")
	}
	w.clean("", "")
}

// The workload's own token is a stranger's, or not to be had.
func TestRefusedFederation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := machine.Options{Flow: machine.WorkloadIdentity, KeyFile: w.federation()}
	w.file("subject-token", []byte("eyJhbGciOiJSUzI1NiJ9.e30.c2VjcmV0LXN1YmplY3Q"), 0o600)
	_, err := w.signIn(o)
	wantProvider(t, "a stranger's token", err, "invalid_grant", "credential_source")
	if err := os.Remove(filepath.Join(w.dir, "subject-token")); err != nil {
		t.Fatal(err)
	}
	if _, err = w.signIn(o); err == nil || !strings.Contains(err.Error(), "credential_source") {
		t.Errorf("no token: %v", err)
	}
	w.clean("c2VjcmV0LXN1YmplY3Q", "")
}

// A metadata server that is none, or that is not there, gives no token.
func TestRefusedMetadata(t *testing.T) {
	w := newWorld(t)
	o := machine.Options{Flow: machine.Metadata}
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("welcome")) }))
	defer portal.Close()
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(portal.URL, "http://"))
	if _, err := w.signIn(o); err == nil || !strings.Contains(err.Error(), "not a metadata server") {
		t.Errorf("a portal: %v", err)
	}
	portal.Close()
	_, err := w.signIn(o)
	wantProvider(t, "nobody there", err, "", "GCE_METADATA_HOST")
	for _, host := range []string{"127.0.0.1:1/x", "a b", "user@127.0.0.1", "http://127.0.0.1", "127.0.0.1?x"} {
		t.Setenv("GCE_METADATA_HOST", host)
		if _, err := w.signIn(o); err == nil {
			t.Errorf("%s: taken", host)
		}
	}
	w.onGCE()
	w.e.SetFault(emulator.Metadata, &emulator.Fault{Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.flow(o).SignIn(ctx, w.nobody()); !errors.Is(err, context.Canceled) {
		t.Errorf("who left: %v", err)
	}
}

// Whatever the token endpoint answers, there is an error of our own words, nothing
// of the answer in it, and nothing is sent twice or elsewhere.
func TestOddAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var elsewhere int
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	form := http.Header{"Content-Type": {"application/json"}}
	o := machine.Options{Flow: machine.ServiceAccount, KeyFile: w.key(robot)}
	to := machine.Options{Flow: machine.Impersonation, KeyFile: w.key(robot), Account: deploy}
	for name, f := range map[string]emulator.Fault{
		"500": {Status: 500, Body: []byte("SECRET")}, "HTML": {Status: 200, Body: []byte("<html>SECRET")}, "nothing": {Status: 200, Header: form},
		"half": {Status: 200, Header: form, Body: []byte(`{"id_token":"SECRET`)}, "no token": {Status: 200, Header: form, Body: []byte(`{"x":"SECRET"}`)},
		"a list": {Status: 200, Header: form, Body: []byte(`["SECRET"]`)}, "no JWT": {Status: 200, Header: form, Body: []byte(`{"id_token":"SECRET","access_token":""}`)},
		"huge":       {Status: 200, Header: form, Body: bytes.Repeat([]byte("SECRET"), 1<<20)},
		"307":        {Status: 307, Header: http.Header{"Location": {other.URL}}},
		"302":        {Status: 302, Header: http.Header{"Location": {other.URL}}},
		"reset":      {Reset: true},
		"odd error":  {Status: 400, Header: form, Body: []byte(`{"error":"SECRET SECRET","error_description":"SECRET"}`)},
		"error list": {Status: 403, Header: form, Body: []byte(`[{"error":{"status":"SECRET!"}}]`)},
	} {
		for _, o := range []machine.Options{o, to} {
			w.e.ResetCalls()
			w.e.SetFault(emulator.Token, &f)
			token, err := w.signIn(o)
			if err == nil || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%s, %s: %v, %v", name, o.Flow, token, err)
			}
			if n := w.e.Calls(emulator.Token); n != 1 {
				t.Errorf("%s, %s: %d requests", name, o.Flow, n)
			}
		}
	}
	w.e.SetFault(emulator.Token, nil)
	for name, body := range map[string]string{"HTML": "<html>SECRET", "no token": "{}", "a number": `{"token":5}`} {
		w.e.SetFault(emulator.IAMCredentials, &emulator.Fault{Status: 200, Body: []byte(body)})
		s := w.session(t, withAudience(to, w.e.Clients()[0].ID))
		if id, err := s.IDToken(t.Context()); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v, %v", name, id, err)
		}
	}
	if elsewhere > 0 {
		t.Errorf("%d requests were sent elsewhere", elsewhere)
	}
	w.clean("SECRET", "")
}

func withAudience(o machine.Options, audience string) machine.Options {
	o.Audience = audience
	return o
}

// clean fails the test when the log, or text, holds a secret: of a key, of a token,
// or extra.
func (w *world) clean(extra, text string) {
	w.t.Helper()
	text += w.log.Shown()
	secrets := []string{extra}
	for _, r := range w.e.Requests() {
		secrets = append(secrets, r.Form.Get("assertion"), r.Form.Get("subject_token"), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	}
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		var key struct {
			PrivateKey string `json:"private_key"`
		}
		if data, err := os.ReadFile(filepath.Join(w.dir, e.Name())); err == nil && json.Unmarshal(data, &key) == nil && key.PrivateKey != "" {
			secrets = append(secrets, strings.Split(key.PrivateKey, "\n")[5])
		}
	}
	for _, s := range secrets {
		if s != "" && strings.Contains(text, s) {
			w.t.Errorf("a secret was shown: %.20s...", s)
		}
	}
}

// A key that others can read or write, or that is none, is not used, and the error
// shows nothing of it.
func TestKeyFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good, err := w.e.ServiceAccountKey(robot)
	if err != nil {
		t.Fatal(err)
	}
	with := func(name string, value any) []byte {
		var k map[string]any
		if err := json.Unmarshal(good, &k); err != nil {
			t.Fatal(err)
		}
		k[name] = value
		b, err := json.Marshal(k)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"not JSON":              []byte("-----BEGIN PRIVATE KEY-----"),
		"a person's":            []byte(`{"type":"authorized_user","refresh_token":"1//SECRET"}`),
		"an OAuth client":       []byte(`{"installed":{"client_secret":"SECRET"}}`),
		"a list":                []byte(`[]`),
		"sent elsewhere":        with("token_uri", "https://evil.example/token"),
		"sent by http":          with("token_uri", "http://oauth2.googleapis.com/token"),
		"sent to a name like":   with("token_uri", "https://oauth2.googleapis.com.evil.example/token"),
		"no key ID":             with("private_key_id", ""),
		"no address":            with("client_email", "robot"),
		"an address with a way": with("client_email", "a@b/../c"),
		"no PEM":                with("private_key", "SECRET"),
		"odd PEM":               with("private_key", "-----BEGIN PRIVATE KEY-----\nU0VDUkVU\n-----END PRIVATE KEY-----\n"),
		"a small key":           with("private_key", pemOf(t, small)),
		"an EC key":             with("private_key", pemOf(t, ec)),
		"a number for a key":    with("private_key", 5),
		"a federation's":        w.e.ExternalAccount(deploy, "/x"),
	} {
		_, err := w.signIn(machine.Options{Flow: machine.ServiceAccount, KeyFile: w.file("bad.json", data, 0o600)})
		var ke *machine.KeyFileError
		if !errors.As(err, &ke) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.signIn(machine.Options{Flow: machine.ServiceAccount, KeyFile: filepath.Join(w.dir, "none.json")}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no file: %v", err)
	}
	if _, err := w.signIn(machine.Options{Flow: machine.WorkloadIdentity, KeyFile: w.key(robot)}); err == nil || !strings.Contains(err.Error(), "not the configuration of workload") {
		t.Errorf("a key for a federation: %v", err)
	}
	if n := w.e.Calls(emulator.Token); n > 0 {
		t.Errorf("%d requests", n)
	}
}

func pemOf(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// A key of the user's own is as private as a session must be; a federation's configuration, which is no
// secret, must be nobody else's to write.
func TestPrivate(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	w := newWorld(t)
	for _, tt := range []struct {
		mode               os.FileMode
		keyOK, configureOK bool
	}{{0o600, true, true}, {0o400, true, true}, {0o640, false, true}, {0o644, false, true}, {0o660, false, false}, {0o602, false, false}, {0o666, false, false}} {
		key, federation := w.key(robot), w.federation()
		for path, ok := range map[string]bool{key: tt.keyOK, federation: tt.configureOK} {
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			o := machine.Options{Flow: machine.ServiceAccount, KeyFile: path}
			if path == federation {
				o.Flow = machine.WorkloadIdentity
			}
			_, err := w.signIn(o)
			if (err == nil) != ok {
				t.Errorf("%s with %o: %v", filepath.Base(path), tt.mode, err)
			}
			if err != nil && !strings.Contains(fault.RemedyOf(err).String(), "chmod") {
				t.Errorf("%s with %o: %v has no remedy", filepath.Base(path), tt.mode, err)
			}
		}
		for _, path := range []string{key, federation} {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	link := filepath.Join(w.dir, "link.json")
	if err := os.Symlink(w.key(robot), link); err != nil {
		t.Fatal(err)
	}
	if _, err := w.signIn(machine.Options{Flow: machine.ServiceAccount, KeyFile: link}); err != nil {
		t.Errorf("a link, as in a secret volume: %v", err)
	}
}

// A federation's configuration that would send the workload's token elsewhere is not
// used; Google's library would use it.
func TestFederationElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, field := range []string{"token_url", "service_account_impersonation_url"} {
		for _, value := range []string{"https://evil.example/v1/token", "http://sts.googleapis.com/v1/token", "https://googleapis.com.evil.example/",
			"https://evil.example/.googleapis.com", "https://u:p@sts.googleapis.com/", "https://sts.googleapis.com:8443/v1/token", "file:///etc/passwd"} {
			var k map[string]any
			data, err := os.ReadFile(w.federation())
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &k); err != nil {
				t.Fatal(err)
			}
			k[field] = value
			if data, err = json.Marshal(k); err != nil {
				t.Fatal(err)
			}
			_, err = w.signIn(machine.Options{Flow: machine.WorkloadIdentity, KeyFile: w.file("moved.json", data, 0o600), Account: deploy})
			if !errors.As(err, new(*machine.KeyFileError)) {
				t.Errorf("%s %s: %v", field, value, err)
			}
		}
	}
	if n := w.e.Calls(emulator.STS); n > 0 {
		t.Errorf("%d requests", n)
	}
}

// The variable that would have Google's library go past our rules is refused, not
// obeyed.
func TestNewAuthLibrary(t *testing.T) {
	w := newWorld(t)
	t.Setenv("GOOGLE_API_GO_EXPERIMENTAL_ENABLE_NEW_AUTH_LIB", "true")
	_, err := w.signIn(machine.Options{Flow: machine.ServiceAccount, KeyFile: w.key(robot)})
	if err == nil || !strings.Contains(err.Error(), "GOOGLE_API_GO_EXPERIMENTAL_ENABLE_NEW_AUTH_LIB") || w.e.Calls(emulator.Token) > 0 {
		t.Errorf("%v, %d requests", err, w.e.Calls(emulator.Token))
	}
}
