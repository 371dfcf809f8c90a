package emulator

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"time"
)

// mint describes an ID token to make.
type mint struct {
	grant       *grant
	nonce       string // empty on refresh
	accessToken string
	refreshed   bool
	azp         string // who obtained it; the client when empty
}

// idToken signs an ID token as of OpenID Connect Core section 2. Its jti makes two tokens of one second differ, which
// Google's do not need.
func (e *Emulator) idToken(m mint, now time.Time) (string, error) {
	type wish struct {
		lifetime time.Duration
		change   func(header, claims map[string]any)
		hmacKey  []byte
	}
	want := setting(e, func(s *settings) wish { return wish{s.lifetime, s.claims, s.hmacKey} })
	k := e.keys.current()
	id := randomToken(20)
	p := e.provider()
	alg := p.signingAlg()
	header := map[string]any{"alg": alg, "kid": k.id(alg), "typ": "JWT"}
	claims := map[string]any{
		"iss": e.Issuer(),
		"azp": cmp.Or(m.azp, m.grant.client.ID),
		"aud": m.grant.client.ID,
		"iat": now.Unix(),
		"exp": now.Add(want.lifetime).Unix(),
		"jti": id,
	}
	if len(p.Audiences) > 0 {
		claims["aud"] = append([]string{m.grant.client.ID}, p.Audiences...)
	}
	maps.Copy(claims, p.profile(m.grant.profile()))
	if m.accessToken != "" {
		claims["at_hash"] = halfHash(alg, m.accessToken)
	}
	if m.nonce != "" {
		claims["nonce"] = m.nonce
	}
	if m.refreshed {
		e.visitors.noteRefreshed(id, now, now.Add(want.lifetime+time.Minute))
	}
	if want.change != nil {
		want.change(header, claims)
	}
	key := want.hmacKey
	if key == nil {
		key = []byte(m.grant.client.Secret)
	}
	return k.sign(header, claims, key)
}

// halfHash is at_hash: the left half of the hash that belongs to alg (OpenID Connect Core section 3.1.3.6). That of EdDSA
// is SHA-512.
func halfHash(alg, s string) string {
	h := algorithms[alg].hash.New()
	h.Write([]byte(s))
	sum := h.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// IDToken returns an ID token of the first client, such as a sign-in of this account ends with, for tests of services
// that do not care how somebody signs in. No call is counted, and there is no grant that could be revoked.
func (e *Emulator) IDToken(email string) (string, error) {
	account, ok := e.account(email)
	if !ok {
		return "", fmt.Errorf("emulator: there is no account %q", email)
	}
	g := &grant{client: e.opts.Clients[0], account: account, scopes: []string{"openid", "email"}}
	return e.idToken(mint{grant: g}, e.now())
}
