package emulator

import (
	"slices"
	"sync"
	"time"
)

const (
	codeLifetime = 10 * time.Minute
	// maxRefreshTokens is Google's limit per account and client; the oldest stops working without a word.
	// https://developers.google.com/identity/protocols/oauth2#expiration
	maxRefreshTokens = 100
)

// grant is what one person allowed one client. It ends as a whole.
type grant struct {
	client  Client
	account Account
	scopes  []string
	revoked bool
	reauth  string // error_subtype that a refresh meets
}

// profile is what the grant's scopes let out about the person.
func (g *grant) profile() map[string]any {
	p := map[string]any{"sub": g.account.Sub}
	if slices.Contains(g.scopes, "email") {
		p["email"], p["email_verified"] = g.account.Email, !g.account.Unverified
		if g.account.HostedDomain != "" {
			p["hd"] = g.account.HostedDomain
		}
	}
	if slices.Contains(g.scopes, "profile") {
		p["name"] = g.account.Name
	}
	return p
}

// code is an authorization code and what its use must agree with.
type code struct {
	grant       *grant
	redirectURI string
	challenge   string
	nonce       string
	offline     bool // whether a refresh token comes with it
	end         time.Time
	spent       bool
}

// grants knows every code and token that is alive.
type grants struct {
	mu      sync.Mutex
	codes   expiring[*code]
	access  expiring[*grant]
	refresh map[string]*grant
	rotated map[string]*grant // refresh tokens that a newer one replaced
	order   []string          // refresh tokens, oldest first
}

func (s *grants) addCode(c *code, now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	value := "4/0A" + randomToken(48)
	c.end = now.Add(codeLifetime)
	// A code stays known after its end, so that its reuse is noticed.
	s.codes.put(value, c, now, now.Add(24*time.Hour))
	return value
}

// useCode spends a code. Any use spends it, a failing one too; a second use ends what the first one gave
// (RFC 6749 section 4.1.2).
func (s *grants) useCode(value string, now time.Time) (*code, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.codes.get(value, now)
	if !ok {
		return nil, false
	}
	if c.spent {
		s.revoke(c.grant)
		return nil, false
	}
	c.spent = true
	return c, now.Before(c.end)
}

func (s *grants) addAccess(g *grant, now time.Time, lifetime time.Duration) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	value := "ya29.a0" + randomToken(96)
	s.access.put(value, g, now, now.Add(lifetime))
	return value
}

func (s *grants) byAccessToken(value string, now time.Time) (*grant, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.access.get(value, now)
	return g, ok && !g.revoked
}

func (s *grants) addRefresh(g *grant) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newRefresh(g)
}

func (s *grants) newRefresh(g *grant) string {
	if s.refresh == nil {
		s.refresh, s.rotated = map[string]*grant{}, map[string]*grant{}
	}
	value := "1//0" + randomToken(72)
	s.refresh[value] = g
	s.order = append(s.order, value)
	var same []string
	for _, v := range s.order {
		if o := s.refresh[v]; o.client.ID == g.client.ID && o.account.Sub == g.account.Sub {
			same = append(same, v)
		}
	}
	if len(same) > maxRefreshTokens {
		s.revoke(s.refresh[same[0]])
	}
	return value
}

// byRefreshToken finds a live grant.
func (s *grants) byRefreshToken(value string) (*grant, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.rotated[value]; g != nil {
		s.revoke(g)
	}
	g, ok := s.refresh[value]
	return g, ok && !g.revoked
}

// rotate replaces a refresh token by a new one, once. It remembers the old one where its reuse matters.
func (s *grants) rotate(old string, remember bool) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.refresh[old]
	if !ok {
		return "", false
	}
	s.drop(old)
	if remember {
		s.rotated[old] = g
	}
	return s.newRefresh(g), true
}

// revokeToken ends the grant of a refresh or access token and, unless it is to be that one alone, all other grants of the
// account to the client.
func (s *grants) revokeToken(value string, now time.Time, alone bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.refresh[value]
	if !ok {
		g, ok = s.access.get(value, now)
	}
	if !ok || g.revoked {
		return false
	}
	s.revoke(g)
	if alone {
		return true
	}
	s.revokeEach(func(o *grant) bool { return o.client.ID == g.client.ID && o.account.Sub == g.account.Sub })
	return true
}

func (s *grants) revokeIf(is func(*grant) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revokeEach(is)
}

// revokeEach ends the grants that are such; the caller has the lock.
func (s *grants) revokeEach(is func(*grant) bool) {
	for _, g := range s.refresh {
		if is(g) {
			s.revoke(g)
		}
	}
	for _, item := range s.access.items {
		if is(item.value) {
			item.value.revoked = true
		}
	}
}

// revoke ends g and forgets its refresh tokens; the caller has the lock.
func (s *grants) revoke(g *grant) {
	g.revoked = true
	for v, other := range s.refresh {
		if other == g {
			s.drop(v)
		}
	}
	for v, other := range s.rotated {
		if other == g {
			delete(s.rotated, v)
		}
	}
}

func (s *grants) drop(value string) {
	delete(s.refresh, value)
	s.order = slices.DeleteFunc(s.order, func(v string) bool { return v == value })
}

// RevokeAll ends every grant given so far: refreshes answer invalid_grant, access tokens stop working. ID tokens live
// on until they expire, as with Google.
func (e *Emulator) RevokeAll() {
	e.grants.revokeIf(func(*grant) bool { return true })
}

// RequireReauth makes the refresh of every grant given so far fail the way a Workspace session policy does: 400
// invalid_grant with this error_subtype, "invalid_rapt" or "rapt_required". A new sign-in works. "" lifts it.
func (e *Emulator) RequireReauth(subtype string) {
	e.grants.mu.Lock()
	defer e.grants.mu.Unlock()
	for _, g := range e.grants.refresh {
		g.reauth = subtype
	}
}

func (s *grants) reauthOf(g *grant) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return g.reauth
}
