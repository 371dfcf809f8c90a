package fleet

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
)

const (
	clientID = "123-fleet.apps.googleusercontent.com"
	tokenFor = time.Hour              // how long an ID token lives
	latency  = 150 * time.Millisecond // of the provider on a good day
)

// A provider is a token endpoint that counts. It runs on the simulated clock.
type provider struct {
	began time.Time

	// answer says what becomes of a request at that time; lately is how many came in
	// the last minute. Nil grants all.
	answer func(at time.Duration, lately int) reply

	mu      sync.Mutex
	minutes []int // requests in each minute, whatever became of them
}

// A reply is what a provider does with a request: nothing special, when it is zero.
type reply struct {
	status int
	header http.Header
	delay  time.Duration
}

// count notes a request, and returns when it is and how many came in the minute that
// ends with it, as near as whole minutes tell.
func (p *provider) count() (at time.Duration, lately int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at = time.Since(p.began)
	minute := int(at / time.Minute)
	for len(p.minutes) <= minute {
		p.minutes = append(p.minutes, 0)
	}
	p.minutes[minute]++
	lately = p.minutes[minute]
	if minute > 0 {
		lately += int(float64(p.minutes[minute-1]) * (1 - (at % time.Minute).Minutes()))
	}
	return at, lately
}

// RoundTrip implements http.RoundTripper: it is the network and the token endpoint.
func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	form, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, person, ok := strings.Cut(string(form), "refresh-of-")
	if !ok {
		return nil, errors.New("this is no refresh")
	}
	person, _, _ = strings.Cut(person, "&")
	at, lately := p.count()
	rep := reply{}
	if p.answer != nil {
		rep = p.answer(at, lately)
	}
	select {
	case <-time.After(latency + rep.delay):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	res := &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}},
	}
	body := fmt.Sprintf(`{"id_token":%q,"access_token":"access","expires_in":3600,"token_type":"Bearer"}`, idToken(person))
	if rep.status != 0 {
		res.StatusCode, body = rep.status, `{"error":"temporarily_unavailable"}`
		for name, values := range rep.header {
			res.Header[name] = values
		}
	}
	res.Body = io.NopCloser(strings.NewReader(body))
	return res, nil
}

// idToken returns an ID token. Nobody here checks signatures, which neither a refresh
// does: it comes straight from the provider.
func idToken(person string) string {
	now := time.Now().Unix()
	payload, _ := json.Marshal(map[string]any{
		"iss": oidc.GoogleIssuer, "aud": clientID, "sub": person, "iat": now, "exp": now + int64(tokenFor/time.Second),
		"email": "p" + person + "@example.com", "email_verified": true,
	})
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + part(payload) + "." + part([]byte("signature"))
}

// A signIn is the flow of a person, whose browser the provider has answered.
type signIn struct {
	*provider
	person string
}

// SignIn implements core.Flow.
func (s signIn) SignIn(context.Context, core.Prompter) (*core.Token, error) {
	s.count()
	time.Sleep(latency)
	return &core.Token{IDToken: core.Secret(idToken(s.person)), RefreshToken: core.Secret("refresh-of-" + s.person), AccessToken: "access", NoNonce: true}, nil
}
