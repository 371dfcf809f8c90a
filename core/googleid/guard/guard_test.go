package guard_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core/frontendtest"
	"github.com/tokentoss/tokentoss/core/googleid"
	"github.com/tokentoss/tokentoss/core/googleid/guard"
	"github.com/tokentoss/tokentoss/emulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const audience = "/projects/104250000042/global/backendServices/42"

// A world is a service behind a Guard, behind the emulator's IAP.
type world struct {
	t       *testing.T
	e       *emulator.Emulator
	service string // past IAP
	log     *frontendtest.Screen
}

// app says who is asking, as it sees it.
var app = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "context=%v email=%q id=%q assertion=%t", guard.From(r.Context()), r.Header.Get("X-Goog-Authenticated-User-Email"),
		r.Header.Get("X-Goog-Authenticated-User-Id"), r.Header.Get("X-Goog-IAP-JWT-Assertion") != "")
})

// newWorld starts the service, IAP in front of it, and the Guard.
func newWorld(t *testing.T, change func(*guard.Options)) *world {
	t.Helper()
	var handler http.Handler
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(service.Close)
	e, err := emulator.Start(t.Context(), emulator.Options{Upstream: service.URL, AssertionAudience: audience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	w := &world{t: t, e: e, service: service.URL, log: &frontendtest.Screen{}}
	o := guard.Options{
		Audiences: []string{audience}, Except: []string{"/healthz"}, KeysURL: e.AssertionKeysURL(), InsecureLoopback: true,
		Logger: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	if change != nil {
		change(&o)
	}
	g, err := guard.New(o)
	if err != nil {
		t.Fatal(err)
	}
	handler = g.Handler(app)
	return w
}

// An answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// call sends a request; header is name, value, name, value...
func (w *world) call(method, url string, header ...string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

// viaIAP sends a request as the emulator's account.
func (w *world) viaIAP(path string, header ...string) answer {
	w.t.Helper()
	id, err := w.e.IDToken("user@example.com")
	if err != nil {
		w.t.Fatal(err)
	}
	return w.call("GET", w.e.IAPURL()+path, append(header, "Authorization", "Bearer "+id)...)
}

// assertion returns one that IAP has just made.
func (w *world) assertion() string {
	w.t.Helper()
	if a := w.viaIAP("/"); a.status != 200 {
		w.t.Fatalf("%d %s", a.status, a.body)
	}
	all := w.e.Requests(emulator.Upstream)
	return all[len(all)-1].Header.Get("X-Goog-IAP-JWT-Assertion")
}

// Who comes through IAP is known to the service, whatever the request says itself.
func TestThroughIAP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	want := fmt.Sprintf(`context=user@example.com email="accounts.google.com:user@example.com" id="accounts.google.com:%s" assertion=true`, w.e.Accounts()[0].Sub)
	for _, path := range []string{"/", "/healthz"} {
		if a := w.viaIAP(path, "X-Goog-Authenticated-User-Email", "accounts.google.com:eve@example.com"); a.status != 200 || a.body != want {
			t.Errorf("%s: %d %s\nwant %s", path, a.status, a.body, want)
		}
	}
	// The assertion alone is what counts, also when somebody passes IAP with one.
	a := w.call("POST", w.service, "X-Goog-IAP-JWT-Assertion", w.assertion(), "X-Goog-Authenticated-User-Email", "accounts.google.com:eve@example.com",
		"X-Goog-Authenticated-User-Id", "accounts.google.com:1")
	if a.status != 200 || a.body != want {
		t.Errorf("%d %s", a.status, a.body)
	}
	if w.log.Shown() != "" {
		t.Errorf("log: %s", w.log.Shown())
	}
}

// Who comes another way is refused, and told nothing of why; the log is.
func TestPastIAP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	good := w.assertion()
	for name, header := range map[string][]string{
		"nothing":         nil,
		"unsigned words":  {"X-Goog-Authenticated-User-Email", "accounts.google.com:user@example.com", "X-Goog-Authenticated-User-Id", "accounts.google.com:1"},
		"no token":        {"X-Goog-IAP-JWT-Assertion", "x"},
		"empty":           {"X-Goog-IAP-JWT-Assertion", ""},
		"cut":             {"X-Goog-IAP-JWT-Assertion", good[:len(good)-80]},
		"two":             {"X-Goog-IAP-JWT-Assertion", good, "X-Goog-IAP-JWT-Assertion", good},
		"elsewhere":       {"Authorization", "Bearer " + good},
		"another in case": {"X-Goog-IAP-JWT-Assertion", strings.ToLower(good)},
	} {
		a := w.call("GET", w.service+"/secret-page", header...)
		if a.status != 403 || a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
		if a.body != "This service is to be reached through Identity-Aware Proxy.\n" {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	if log := w.log.Shown(); !strings.Contains(log, "/secret-page") || !strings.Contains(log, "no assertion") || strings.Contains(log, good[len(good)-40:]) {
		t.Errorf("log: %s", log)
	}
}

// The answer is JSON for who asks for that.
func TestJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for accept, want := range map[string]bool{
		"application/json": true, "application/json, text/plain, */*": true, "application/problem+json": true, "": false, "*/*": false,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": false, "text/plain, application/json": false, ";;,": false,
	} {
		a := w.call("GET", w.service, "Accept", accept)
		var body struct{ Error, Message string }
		isJSON := json.Unmarshal([]byte(a.body), &body) == nil
		if a.status != 403 || isJSON != want || want && (body.Error != "forbidden" || a.header.Get("Content-Type") != "application/json") {
			t.Errorf("Accept: %s: %d %v %s", accept, a.status, a.header, a.body)
		}
	}
}

// A health check passes, as nobody; what only looks like its path does not.
func TestExcept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	nobody := `context=<nil> email="" id="" assertion=false`
	spoof := []string{"X-Goog-Authenticated-User-Email", "accounts.google.com:eve@example.com", "X-Goog-Authenticated-User-Id", "1", "X-Goog-IAP-JWT-Assertion", "x"}
	for _, header := range [][]string{nil, spoof} {
		if a := w.call("GET", w.service+"/healthz?verbose", header...); a.status != 200 || a.body != nobody {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if a := w.call("HEAD", w.service+"/healthz"); a.status != 200 {
		t.Errorf("HEAD: %d", a.status)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		if a := w.call(method, w.service+"/healthz"); a.status != 403 {
			t.Errorf("%s: %d", method, a.status)
		}
	}
	for _, path := range []string{"/", "/healthz/", "/healthz/../admin", "/HEALTHZ", "//healthz", "/healthz%2f..%2fadmin", "/admin?/healthz", "/admin/healthz", "/healthz;x", "/healthzz"} {
		if a := w.call("GET", w.service+path); a.status != 403 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

// IAP's own test of a service: of the six assertions that it sends when asked to, the
// service takes the good one.
func TestSecureTokenTest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for kind, want := range map[string]int{"NOT_SET": 200, "FUTURE_ISSUE": 403, "PAST_EXPIRATION": 403, "ISSUER": 403, "AUDIENCE": 403, "SIGNATURE": 403} {
		if a := w.viaIAP("/?gcp-iap-mode=SECURE_TOKEN_TEST&iap-secure-token-test-type=" + kind); a.status != want {
			t.Errorf("%s: %d, want %d", kind, a.status, want)
		}
	}
}

// Keys rotate, and the service goes on without a restart, after one fetch.
func TestRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	old := w.assertion()
	if err := w.e.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	w.e.ResetCalls()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if a := w.viaIAP("/"); a.status != 200 {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	all.Wait()
	if n := w.e.Calls(emulator.IAPKeys); n != 1 {
		t.Errorf("%d fetches", n)
	}
	if a := w.call("GET", w.service, "X-Goog-IAP-JWT-Assertion", old); a.status != 403 {
		t.Errorf("a key that is gone: %d", a.status)
	}
}

// Without keys nothing passes, and who asks is told to come again, not that it must
// not.
func TestKeysNotToBeHad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.e.SetFault(emulator.IAPKeys, &emulator.Fault{Status: 500, Body: []byte("secret words")})
	a := w.viaIAP("/", "Accept", "application/json")
	if a.status != 503 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, `"unavailable"`) || strings.Contains(a.body, "127.0.0.1") {
		t.Errorf("%d %v %s", a.status, a.header, a.body)
	}
	if a := w.call("GET", w.service); a.status != 403 {
		t.Errorf("no assertion, no keys: %d", a.status)
	}
}

// A service may refuse in its own words, and learns why.
func TestRefuse(t *testing.T) {
	t.Parallel()
	var reasons []error
	w := newWorld(t, func(o *guard.Options) {
		o.Refuse = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			reasons = append(reasons, guard.Reason(r.Context()))
			w.WriteHeader(http.StatusTeapot)
		})
	})
	if a := w.call("GET", w.service, "X-Goog-IAP-JWT-Assertion", "x"); a.status != http.StatusTeapot {
		t.Errorf("%d", a.status)
	}
	var te *googleid.TokenError
	if len(reasons) != 1 || !errors.As(reasons[0], &te) || te.Reason != googleid.Malformed {
		t.Errorf("%v", reasons)
	}
}

// The ResponseWriter is the server's own, so that whatever it can do still works; the
// request of who called is left as it was.
func TestHandsOn(t *testing.T) {
	t.Parallel()
	g, err := guard.New(guard.Options{Audiences: []string{audience}, Except: []string{"/"}})
	if err != nil {
		t.Fatal(err)
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Goog-Authenticated-User-Email", "eve")
	g.Handler(http.HandlerFunc(func(got http.ResponseWriter, _ *http.Request) {
		if got != w {
			t.Errorf("%T", got)
		}
	})).ServeHTTP(w, r)
	if r.Header.Get("X-Goog-Authenticated-User-Email") != "eve" || guard.From(r.Context()) != nil || guard.Reason(r.Context()) != nil {
		t.Error("the request was changed")
	}
}

// A Guard that would let everything through is not made.
func TestOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]guard.Options{
		"no audience": {}, "a client's ID": {Audiences: []string{"1-a.apps.googleusercontent.com"}},
		"a path without a slash": {Audiences: []string{audience}, Except: []string{"healthz"}},
		"all paths":              {Audiences: []string{audience}, Except: []string{""}},
		"keys by http":           {Audiences: []string{audience}, KeysURL: "http://keys.example"},
	} {
		if _, err := guard.New(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
