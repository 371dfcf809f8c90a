package core_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

type claims = map[string]any

// refusedSignIn signs in with ID tokens that change made, which must fail and
// store nothing.
func refusedSignIn(t *testing.T, w *world, s *core.Session, change func(header, c claims)) error {
	t.Helper()
	w.emu.SetIDTokenClaims(change)
	_, err := s.SignIn(w.ctx, nobody)
	if err == nil {
		t.Fatal("the sign-in succeeded")
	}
	if found := findSecret(err.Error()); found != "" {
		t.Errorf("the error holds a secret: %s", found)
	}
	if n := w.store.count("Save"); n != 0 {
		t.Errorf("%d saves after a sign-in that was refused", n)
	}
	if _, err := s.IDToken(w.ctx); !errors.Is(err, core.ErrSignInNeeded) {
		t.Errorf("IDToken after a sign-in that was refused: %v", err)
	}
	return err
}

// demandingEmail has a session want what Google's tokens always have.
func demandingEmail(w *world) func(*core.SessionOptions) {
	return func(o *core.SessionOptions) {
		o.Client = w.client(func(p *oidc.ProviderOptions) { p.RequireVerifiedEmail = true })
	}
}

// The claims of a sign-in are held against the client, the provider and the
// request (OpenID Connect Core section 3.1.3.7).
func TestSignInRefusesClaims(t *testing.T) {
	t.Parallel()
	set := func(name string, value any) func(header, c claims) {
		return func(_, c claims) { c[name] = value }
	}
	drop := func(name string) func(header, c claims) { return func(_, c claims) { delete(c, name) } }
	tests := []struct {
		name   string // begins with the rule's ID
		claim  string
		change func(w *world, header, c claims)
	}{
		{"another nonce", "nonce", func(_ *world, h, c claims) { set("nonce", "another")(h, c) }},
		{"no nonce", "nonce", func(_ *world, h, c claims) { drop("nonce")(h, c) }},
		{"another issuer", "iss", func(_ *world, h, c claims) { set("iss", "https://evil.example")(h, c) }},
		{"issuer with a slash", "iss", func(w *world, h, c claims) { set("iss", w.emu.Issuer()+"/")(h, c) }},
		{"issuer in other case", "iss", func(w *world, h, c claims) { set("iss", strings.ToUpper(w.emu.Issuer()))(h, c) }},
		{"issuer with another scheme", "iss", func(w *world, h, c claims) { set("iss", strings.Replace(w.emu.Issuer(), "http:", "https:", 1))(h, c) }},
		{"Google's issuer from another provider", "iss", func(_ *world, h, c claims) { set("iss", oidc.GoogleIssuer)(h, c) }},
		{"Google's short issuer from another provider", "iss", func(_ *world, h, c claims) { set("iss", "accounts.google.com")(h, c) }},
		{"no issuer", "iss", func(_ *world, h, c claims) { drop("iss")(h, c) }},
		{"another audience", "aud", func(_ *world, h, c claims) { set("aud", "other.apps.googleusercontent.com")(h, c) }},
		{"no audience", "aud", func(_ *world, h, c claims) { drop("aud")(h, c) }},
		{"empty list", "aud", func(_ *world, h, c claims) { set("aud", []string{})(h, c) }},
		{"audience that is a number", "aud", func(_ *world, h, c claims) { set("aud", 5)(h, c) }},
		{"unknown extra audience, azp is ours", "aud", func(_ *world, h, c claims) { set("aud", []any{c["aud"], "https://other.example"})(h, c) }},
		{"two audiences without azp", "aud", func(_ *world, h, c claims) {
			set("aud", []any{c["aud"], "https://other.example"})(h, c)
			drop("azp")(h, c)
		}},
		{"another azp", "azp", func(_ *world, h, c claims) { set("azp", "other.apps.googleusercontent.com")(h, c) }},
		{"no subject", "sub", func(_ *world, h, c claims) { drop("sub")(h, c) }},
		{"no exp", "exp", func(_ *world, h, c claims) { drop("exp")(h, c) }},
		{"exp out of this world", "exp", func(_ *world, h, c claims) { set("exp", 1e30)(h, c) }},
		{"exp that is text", "exp", func(_ *world, h, c claims) { set("exp", "soon")(h, c) }},
		{"no iat", "iat", func(_ *world, h, c claims) { drop("iat")(h, c) }},
		{"wrong at_hash", "at_hash", func(_ *world, h, c claims) { set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")(h, c) }},
		{"no email", "email", func(_ *world, h, c claims) { drop("email")(h, c) }},
		{"email not verified", "email", func(_ *world, h, c claims) { set("email_verified", false)(h, c) }},
		{"email_verified missing", "email", func(_ *world, h, c claims) { drop("email_verified")(h, c) }},
		{"email_verified odd", "email", func(_ *world, h, c claims) { set("email_verified", "yes")(h, c) }},
	}
	w := newWorld(t)
	s := w.session(demandingEmail(w))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := refusedSignIn(t, w, s, func(h, c claims) { tt.change(w, h, c) })
			wantClaim(t, err, tt.claim)
		})
	}
}

// What the standard allows is allowed: a list of one audience, no azp, no
// at_hash, email_verified as text.
func TestSignInTakesClaims(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.emu.SetIDTokenClaims(func(_, c claims) {
		c["aud"] = []any{c["aud"]}
		delete(c, "azp")
		delete(c, "at_hash")
		c["email_verified"] = "true"
	})
	if st := w.signIn(w.session()); st.State != core.SignedIn || st.Email != ada {
		t.Errorf("status %+v", st)
	}
}

// Each authorization request has a nonce of at least 128 bits of its own,
// and the answer must carry it: an ID token that was made for another request
// of the same client is refused.
func TestNonceOfAnotherRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(func(o *core.SessionOptions) {
		o.Flow = func(c *oidc.Client) core.Flow {
			return flow{w: w, client: c, email: ada, nonce: func(string) string { return "that-of-another-request" }}
		}
	})
	_, err := s.SignIn(w.ctx, nobody)
	wantClaim(t, err, "nonce")
	if n := w.store.count("Save"); n != 0 {
		t.Errorf("%d saves", n)
	}
}

// Google's two spellings are taken from Google, by a session whatever its
// flow; other spellings are not.
func TestGoogleIssuerSpellings(t *testing.T) {
	t.Parallel()
	for iss, ok := range map[string]bool{
		"https://accounts.google.com": true, "accounts.google.com": true,
		"https://accounts.google.com/": false, "http://accounts.google.com": false, "Accounts.google.com": false,
		"https://accounts.google.com.evil.example": false, "": false,
	} {
		now := time.Now()
		client := googleClient(t, nil)
		s, err := core.NewSession(core.SessionOptions{Store: newMemory(), Client: client, Flow: func(*oidc.Client) core.Flow {
			return flowOf(&core.Token{Nonce: "n", IDToken: unsigned(t, claims{
				"iss": iss, "aud": client.ID, "sub": "1", "email": ada, "email_verified": true, "nonce": "n",
				"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
			})})
		}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.SignIn(t.Context(), nobody)
		if ok && err != nil {
			t.Errorf("issuer %q: %v", iss, err)
		} else if !ok {
			wantClaim(t, err, "iss")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Where this machine's clock is wrong, the refusal says by how much and
// what to do; where the token does not match the provider's own clock, it says
// that.
func TestClockHint(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		provider time.Duration // the provider's clock minus this machine's
		change   func(h, c claims)
		claim    string
		words    string // of the error; empty: it is taken
	}{
		{name: "iat 4 min ahead is taken", provider: 4 * time.Minute},
		{name: "iat 10 min ahead", provider: 10 * time.Minute, claim: "iat", words: "10m0s behind the provider's"},
		{name: "expired 1 h ago", provider: -2 * time.Hour, claim: "exp", words: "2h0m0s ahead of the provider's"},
		{name: "iat not of the provider's clock", claim: "iat", words: "does not match the provider's own clock",
			change: func(_, c claims) { c["iat"] = c["iat"].(int64) + 600 }},
		{name: "exp passed by the provider's clock", claim: "exp", words: "does not match the provider's own clock",
			change: func(_, c claims) { c["exp"] = c["iat"].(int64) - 31 }},
	}
	shared := newWorld(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := shared.fork(t)
			w.emu.SetClockOffset(tt.provider)
			w.emu.SetIDTokenClaims(tt.change)
			_, err := w.session().SignIn(w.ctx, nobody)
			if tt.words == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var ce *oidc.ClockError
			if !errors.As(err, &ce) || ce.Claim != tt.claim || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("error %v, want one of %s with %q", err, tt.claim, tt.words)
			}
			if ce != nil && ce.Offset != -tt.provider {
				t.Errorf("offset %s, want %s", ce.Offset, -tt.provider)
			}
			if n := w.store.count("Save"); n != 0 {
				t.Errorf("%d saves", n)
			}
		})
	}
}

// Where a hosted domain is set, the token's hd must equal it.
func TestHostedDomain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	domain := func(name string) *oidc.Client {
		return w.client(func(o *oidc.ProviderOptions) { o.HostedDomain = name })
	}
	for _, tt := range []struct {
		name, domain, email string
		ok                  bool
	}{
		{"same", "example.com", ada, true},
		{"another", "example.org", ada, false},
		{"a domain that ends the same", "ample.com", ada, false},
		{"absent", "example.com", grace, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.store = newMemory()
			s := w.session(func(o *core.SessionOptions) { o.Client, o.Flow = domain(tt.domain), w.flow(tt.email) })
			_, err := s.SignIn(w.ctx, nobody)
			if tt.ok {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantClaim(t, err, "hd")
			if n := w.store.count("Save"); n != 0 {
				t.Errorf("%d saves", n)
			}
		})
	}
	last := w.emu.Requests(emulator.Authorize)
	if hd := last[0].Query.Get("hd"); hd != "example.com" {
		t.Errorf("the authorization request has hd=%q", hd)
	}
}

// A session checks what a flow brings, since anybody can write one.
func TestSessionChecksAnyFlow(t *testing.T) {
	t.Parallel()
	now := time.Now()
	client := googleClient(t, nil)
	good := func() claims {
		return claims{"iss": oidc.GoogleIssuer, "aud": client.ID, "sub": "1", "email": ada, "email_verified": true,
			"nonce": "n", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	}
	other := good()
	other["aud"] = "other"
	for name, tt := range map[string]struct {
		token *core.Token
		claim string
	}{
		"nothing":                    {nil, "id_token"},
		"no ID token":                {&core.Token{RefreshToken: "r", Nonce: "n"}, "id_token"},
		"no JWS":                     {&core.Token{IDToken: "a.b.c", Nonce: "n"}, "form"},
		"no nonce":                   {&core.Token{IDToken: unsigned(t, good())}, "nonce"},
		"another nonce":              {&core.Token{IDToken: unsigned(t, good()), Nonce: "m"}, "nonce"},
		"a nonce of another sign-in": {&core.Token{IDToken: unsigned(t, good()), NoNonce: true}, "nonce"},
		"another audience":           {&core.Token{IDToken: unsigned(t, other), Nonce: "n"}, "aud"},
	} {
		store := newMemory()
		s, err := core.NewSession(core.SessionOptions{Store: store, Client: client,
			Flow: func(*oidc.Client) core.Flow { return flowOf(tt.token) }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = s.SignIn(t.Context(), nobody); err == nil {
			t.Errorf("%s: taken", name)
		} else {
			wantClaim(t, err, tt.claim)
		}
		if n := store.count("Save"); n != 0 {
			t.Errorf("%s: %d saves", name, n)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// googleClient returns a client of Google itself.
func googleClient(t *testing.T, transport http.RoundTripper) *oidc.Client {
	t.Helper()
	c, err := oidc.NewClient(core.ClientSecrets{ClientID: "1-x.apps.googleusercontent.com", ClientSecret: "GOCSPX-x"},
		oidc.ProviderOptions{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// unsigned makes an ID token with a signature that is none. Sessions do not
// check signatures: flows do.
func unsigned(t *testing.T, c claims) core.Secret {
	t.Helper()
	payload, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(payload)
	enc := base64.RawURLEncoding
	return core.Secret(enc.EncodeToString([]byte(`{"alg":"RS256"}`)) + "." + enc.EncodeToString(payload) + "." + enc.EncodeToString(sum[:]))
}
