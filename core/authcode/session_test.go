package authcode_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// A box is a store for one document.
type box struct {
	mu    sync.Mutex
	saves int
	data  []byte
}

func (b *box) Load(context.Context, string) (core.Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.data == nil {
		return core.Record{}, core.ErrNotFound
	}
	return core.Record{Data: bytes.Clone(b.data), Revision: strconv.Itoa(b.saves)}, nil
}

func (b *box) Save(_ context.Context, _ string, r core.Record) (core.Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := strconv.Itoa(b.saves); r.Revision != now && (b.data != nil || r.Revision != "") {
		return core.Record{}, core.ErrConflict
	}
	b.saves++
	b.data = bytes.Clone(r.Data)
	r.Revision = strconv.Itoa(b.saves)
	return r, nil
}

func (b *box) Delete(context.Context, string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = nil
	return nil
}

// content returns the document, nil when there is none.
func (b *box) content() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.data
}

// newSession returns a session of the emulator's client with a store of its own.
func newSession(t *testing.T, e *emulator.Emulator, log *slog.Logger) (*core.Session, *box) {
	t.Helper()
	return sessionWith(t, e, log, authcode.Options{})
}

func sessionWith(t *testing.T, e *emulator.Emulator, log *slog.Logger, o authcode.Options) (*core.Session, *box) {
	t.Helper()
	store := &box{}
	session, err := core.NewSession(core.SessionOptions{
		Client: newClient(t, e), Store: store, Flow: authcode.New(o), Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session, store
}

// throughSession is a sign-in by a session, for beginWith.
func throughSession(session *core.Session) func(context.Context, core.Prompter) (*core.Token, error) {
	return func(ctx context.Context, p core.Prompter) (*core.Token, error) {
		_, err := session.SignIn(ctx, p)
		return nil, err
	}
}

// RFC 7636 section 4.6: the provider compares the verifier; a code that was
// asked for with another challenge signs nobody in, and nothing is stored.
func TestWrongVerifier(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	session, store := newSession(t, e, nil)
	s := beginWith(t, e, throughSession(session))
	u := mustURL(t, s.prompt.URL)
	q := u.Query()
	q.Set("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
	u.RawQuery = q.Encode()
	redirect, err := e.Authorize(context.Background(), u.String(), ada)
	if err != nil {
		t.Fatal(err)
	}
	page := s.follow(redirect)
	_, err = s.outcome()
	if pe := errorAs[*oidc.ProviderError](t, err); pe.Code != "invalid_grant" {
		t.Errorf("error is %v", err)
	}
	s.exchanged(1) // and not twice
	nobodySignedIn(t, session, store, page)
}

// nobodySignedIn wants no session, and the browser to have been told so.
func nobodySignedIn(t *testing.T, session *core.Session, store *box, page answer) {
	t.Helper()
	if store.content() != nil {
		t.Error("a session was stored")
	}
	if status, err := session.Status(context.Background()); err != nil || status.State != core.SignedOut {
		t.Errorf("status is %v, %v", status, err)
	}
	if !strings.Contains(page.body, "Not signed in") || strings.Contains(page.body, ada) {
		t.Errorf("the page says %s", page.body)
	}
}

// An ID token that is not for this very sign-in signs
// nobody in, nothing is stored, and the page does not claim otherwise.
func TestWrongIDToken(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	e := startGoogle(t, emulator.Options{})
	set := func(name string, value any) func(object, object) {
		return func(_, claims object) { claims[name] = value }
	}
	drop := func(name string) func(object, object) { return func(_, claims object) { delete(claims, name) } }
	alg := func(name string) func(object, object) { return func(header, _ object) { header["alg"] = name } }
	for name, c := range map[string]struct {
		claim  string
		change func(header, claims object)
	}{
		"nonce of another sign-in": {"nonce", set("nonce", "of-somebody-else-entirely")},
		"no nonce":                 {"nonce", drop("nonce")},
		"other issuer":             {"iss", set("iss", "https://evil.example")},
		"slash at the end":         {"iss", func(_, c object) { c["iss"] = c["iss"].(string) + "/" }},
		"Google's issuer":          {"iss", set("iss", "https://accounts.google.com")},
		"other audience":           {"aud", set("aud", "another-client")},
		"unknown second audience":  {"aud", func(_, c object) { c["aud"] = []any{c["aud"], "another-client"} }},
		"other azp":                {"azp", set("azp", "another-client")},
		"alg none":                 {"form", alg("none")},
		"alg HS256 with secret":    {"form", alg("HS256")},
		"key of another algorithm": {"", alg("ES256")},
		"unknown kid":              {"kid", func(header, _ object) { header["kid"] = "unknown" }},
		"at_hash":                  {"at_hash", set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")},
		"email not verified":       {"email", set("email_verified", false)},
		"no sub":                   {"sub", drop("sub")},
	} {
		t.Run(name, func(t *testing.T) {
			session, store := newSession(t, e, nil)
			e.SetIDTokenClaims(c.change)
			s := beginWith(t, e, throughSession(session))
			page := s.follow(s.agree())
			_, err := s.outcome()
			if ce := errorAs[*oidc.ClaimError](t, err); c.claim != "" && ce.Claim != c.claim {
				t.Errorf("error is %v, expected one of %s", err, c.claim)
			}
			nobodySignedIn(t, session, store, page)
		})
	}
}

// OpenID Connect Core section 3.1.3.7, item 9: a token from the future or
// the past is refused, with the difference of the clocks.
func TestClockHint(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		offset time.Duration
		words  string
	}{"behind": {30 * time.Minute, "30m0s behind the provider's"}, "ahead": {-2 * time.Hour, "2h0m0s ahead of the provider's"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := startGoogle(t, emulator.Options{})
			session, store := newSession(t, e, nil)
			e.SetClockOffset(c.offset)
			s := beginWith(t, e, throughSession(session))
			page := s.follow(s.agree())
			_, err := s.outcome()
			ce := errorAs[*oidc.ClockError](t, err)
			if (ce.Offset + c.offset).Abs() > 5*time.Second {
				t.Errorf("offset is %s, expected %s", ce.Offset, -c.offset)
			}
			// Date has whole seconds.
			rounded := oidc.ClockError{Claim: ce.Claim, Offset: ce.Offset.Round(time.Minute)}
			if !strings.Contains(rounded.Error(), c.words) {
				t.Errorf("error is %v", err)
			}
			if !strings.Contains(page.body, "clock of this machine is wrong") {
				t.Errorf("the page says %s", page.body)
			}
			nobodySignedIn(t, session, store, page)
		})
	}
}

// Somebody else may sign in over a session; the new one
// replaces the old only when it is complete.
func TestOldSessionUntilTheNewOne(t *testing.T) {
	t.Parallel()
	const bob = "bob@example.com"
	e := startGoogle(t, emulator.Options{Accounts: []emulator.Account{{Email: ada}, {Email: bob}}})
	session, store := newSession(t, e, nil)
	beginWith(t, e, throughSession(session)).finish()
	before := store.content()

	denied := beginWith(t, e, throughSession(session))
	denied.follow(denied.callback("error", "access_denied", "state", denied.state()))
	_, _ = denied.outcome()
	if !bytes.Equal(store.content(), before) {
		t.Error("a denied sign-in changed the session")
	}
	again := beginWith(t, e, throughSession(session))
	redirect, err := e.Authorize(context.Background(), again.prompt.URL, bob)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(store.content(), before) {
		t.Error("the session changed before the sign-in was complete")
	}
	again.follow(redirect)
	if _, err := again.outcome(); err != nil {
		t.Fatal(err)
	}
	if status, _ := session.Status(context.Background()); status.Email != bob || status.State != core.SignedIn {
		t.Errorf("status is %+v", status)
	}
}

// Whatever happens, the most verbose log, the errors and the pages
// hold no code, state, nonce, verifier, secret or token.
func TestNoSecretIsLogged(t *testing.T) {
	t.Parallel()
	var log safeBuffer
	e := startGoogle(t, emulator.Options{ClientSecret: "the-client-secret"})
	session, store := newSession(t, e, slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true})))
	s := beginWith(t, e, throughSession(session))
	redirect := s.agree()
	secrets := map[string]string{
		"code": mustURL(t, redirect).Query().Get("code"), "state": s.state(), "nonce": s.query(t).Get("nonce"), "client secret": "the-client-secret",
	}
	for _, wrong := range []string{s.callback("code", secrets["code"]), s.callback("state", "x", "code", secrets["code"]), s.callback("state", secrets["state"])} {
		_, _ = log.Write([]byte(get(t, wrong).body))
	}
	s.paste(secrets["code"])
	_, _ = log.Write([]byte(s.nextPrompt().Problem))
	_, _ = log.Write([]byte(s.follow(redirect).body))
	_, err := s.outcome()
	if err != nil {
		t.Fatal(err)
	}
	secrets["verifier"] = e.Requests(emulator.Token)[0].Form.Get("code_verifier")
	var saved struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		IDToken      string `json:"id_token"`
	}
	if err := json.Unmarshal(store.content(), &saved); err != nil {
		t.Fatal(err)
	}
	secrets["access token"], secrets["refresh token"], secrets["ID token"] = saved.AccessToken, saved.RefreshToken, saved.IDToken

	// One whose code is refused, for its error.
	s = beginWith(t, e, throughSession(session))
	secrets["second state"], secrets["second code"] = s.state(), "made-up-code"
	_, _ = log.Write([]byte(s.follow(s.callback("code", "made-up-code", "state", s.state())).body))
	if _, err = s.outcome(); err == nil {
		t.Fatal("signed in with a made-up code")
	}
	_, _ = log.Write([]byte(err.Error()))
	if !strings.Contains(log.String(), `"msg":"signed in"`) {
		t.Errorf("the log is empty: %s", log.String())
	}
	hasNone(t, "what was shown or logged", log.String(), secrets)
}

// A safeBuffer is a buffer for several goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
