package authcode_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// RFC 7636 section 4.2, RFC 8252 section 8.1: every request has a challenge
// by S256, and no option changes that.
func TestNoSettingWeakensPKCE(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	extra := url.Values{"prompt": {"select_account"}}
	for _, name := range []string{"code_challenge", "code_challenge_method", "state", "nonce", "redirect_uri", "response_type",
		"response_mode", "client_id", "scope", "request", "request_uri", "access_type"} {
		if oidc.CheckAuthParam(name) == nil {
			t.Errorf("%s may be set", name)
		}
		extra.Set(name, "plain")
	}
	plain := begin(t, e, authcode.Options{})
	changed := begin(t, e, authcode.Options{Extra: extra})
	if changed.query(t).Get("prompt") != "select_account" {
		t.Error("the extra parameter that is allowed is not there")
	}
	for _, s := range []*signIn{plain, changed} {
		q := s.query(t)
		for name, values := range q {
			if len(values) != 1 || values[0] == "plain" {
				t.Errorf("%s is %q", name, values)
			}
		}
		if q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("response_type") != "code" {
			t.Errorf("request is %v", q)
		}
	}
	changed.finish()
}

// query returns the parameters of the authorization request.
func (s *signIn) query(t *testing.T) url.Values { return mustURL(t, s.prompt.URL).Query() }

// RFC 7636 appendix B: the RFC's own verifier gives the RFC's challenge.
func TestChallengeOfTheRFC(t *testing.T) {
	t.Parallel()
	client := newClient(t, startGoogle(t, emulator.Options{}))
	u := client.AuthCodeURL(oidc.Google(), oidc.AuthRequest{Verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"})
	if got, want := mustURL(t, u).Query().Get("code_challenge"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"; got != want {
		t.Errorf("challenge is %s, expected %s", got, want)
	}
}

// RFC 8252 section 8.12: the program shows a URL and never opens the
// provider's page itself; its listener has two addresses and no page of the
// provider's.
func TestNoEmbeddedSignIn(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	for _, path := range []string{"/", "/signin", "/login", "/o/oauth2/v2/auth", "/signin/consent", "/callback/", "/callback2", "/done/", "//callback", "/favicon.ico"} {
		a := get(t, s.at(path))
		s.refused(a, 404)
		if strings.Contains(a.body, "<form") || strings.Contains(a.body, "<iframe") || strings.Contains(a.body, "<script") {
			t.Errorf("%s is %s", path, a.body)
		}
	}
	if n := s.google.Calls(emulator.Authorize) + s.google.Calls(emulator.Consent); n != 0 {
		t.Errorf("the program opened the provider's pages %d times", n)
	}
	s.finish()
}

// RFC 8252 section 8.5: the client secret travels in the body of the
// request to the token endpoint, and nowhere else.
func TestSecretOnlyInPostBodies(t *testing.T) {
	t.Parallel()
	const secret = "not-confidential-but-not-for-show"
	e := startGoogle(t, emulator.Options{ClientSecret: secret})
	s := begin(t, e, authcode.Options{})
	seen := s.prompt.URL + s.prompt.RedirectURL
	page := s.follow(s.agree())
	s.succeed()
	seen += page.body

	// Two that fail, for their errors.
	for _, fault := range []*emulator.Fault{{Status: 500, Body: []byte(secret)}, {Reset: true}} {
		e.SetFault(emulator.Token, fault)
		s := begin(t, e, authcode.Options{})
		seen += s.follow(s.agree()).body
		_, err := s.outcome()
		if err == nil {
			t.Fatal("signed in without a token endpoint")
		}
		seen += err.Error()
	}
	for _, r := range e.Requests() {
		for _, values := range r.Header {
			seen += strings.Join(values, " ")
		}
		seen += r.Path + r.Query.Encode()
		if posted := r.Form.Get("client_secret"); (posted != "") != (r.Endpoint == emulator.Token) {
			t.Errorf("%s %s got the secret %q", r.Method, r.Endpoint, posted)
		}
		if r.Endpoint == emulator.Token && (r.Method != "POST" || len(r.Query) != 0) {
			t.Errorf("the token endpoint got a %s with the query %v", r.Method, r.Query)
		}
	}
	hasNone(t, "what is not a body", seen, map[string]string{"client secret": secret})
}

// RFC 9700 section 4.7.1, OpenID Connect Core section 3.1.2.1: state
// and nonce are at least 128 bits each, new for each sign-in, and different.
func TestFreshStateAndNonce(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	seen := map[string]bool{}
	for range 5 {
		q := begin(t, e, authcode.Options{}).query(t)
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			v := q.Get(name)
			if len(v)*5 < 128 { // base32: five bits a character
				t.Errorf("%s has %d characters", name, len(v))
			}
			if seen[v] {
				t.Errorf("%s is not new", name)
			}
			seen[v] = true
		}
	}
}

// Consent is not asked for by default, since each one uses up a refresh
// token, and the endpoint is Google's present one whatever the file says.
func TestNoForcedConsent(t *testing.T) {
	t.Parallel()
	legacy := []byte(`{"installed": {"client_id": "id", "client_secret": "secret",
		"auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": "https://accounts.google.com/o/oauth2/token"}}`)
	secrets, err := oidc.ParseClientSecrets(legacy)
	if err != nil {
		t.Fatal(err)
	}
	client, err := oidc.NewClient(secrets, oidc.ProviderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// Nobody signs in at the real Google: the person leaves.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var shown core.Prompt
	_, err = authcode.New(authcode.Options{LoginHint: ada})(client).SignIn(ctx, core.PrompterFunc(func(_ context.Context, p core.Prompt) (string, error) {
		shown = p
		cancel()
		return "", nil
	}))
	if err == nil {
		t.Fatal("signed in")
	}
	if !strings.HasPrefix(shown.URL, "https://accounts.google.com/o/oauth2/v2/auth?") {
		t.Errorf("URL is %s", shown.URL)
	}
	q := mustURL(t, shown.URL).Query()
	if q.Has("prompt") || q.Get("access_type") != "offline" || q.Get("scope") != "openid email" || q.Get("login_hint") != ada {
		t.Errorf("request is %v", q)
	}
}

// Consent is asked for when the last sign-in brought no
// refresh token, as nothing else brings one back.
func TestConsentWithoutRefreshToken(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	session, _ := newSession(t, e, nil)
	none := func(_ string, answer map[string]any) { delete(answer, "refresh_token") }
	for i, step := range []struct {
		prompt string
		change func(string, map[string]any)
	}{{"", none}, {"consent", nil}, {"", nil}} {
		e.ResetCalls()
		e.SetTokenAnswer(step.change)
		s := beginWith(t, e, throughSession(session))
		if got := s.query(t).Get("prompt"); got != step.prompt {
			t.Errorf("sign-in %d: prompt is %q, expected %q", i+1, got, step.prompt)
		}
		s.finish()
	}
}

// The prompt says until when the flow waits: the earlier of its own time limit
// and the caller's.
func TestDeadlineOfThePrompt(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	s := begin(t, e, authcode.Options{Timeout: time.Hour})
	if left := time.Until(s.prompt.Deadline); left < 59*time.Minute || left > time.Hour {
		t.Errorf("deadline is in %s", left)
	}
	s = begin(t, e, authcode.Options{})
	if left := time.Until(s.prompt.Deadline); left < 4*time.Minute || left > authcode.DefaultTimeout {
		t.Errorf("deadline is in %s", left)
	}
	s = beginWith(t, e, func(ctx context.Context, p core.Prompter) (*core.Token, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		return authcode.New(authcode.Options{})(newClient(t, e)).SignIn(ctx, p)
	})
	if left := time.Until(s.prompt.Deadline); left > time.Minute {
		t.Errorf("deadline is in %s, and the caller's in a minute", left)
	}
}
