package emulator

import (
	"net/http"
	"time"
)

// IAPRequest is what an [IAPPolicy] decides about.
type IAPRequest struct {
	Method, Host, Path string
	// Email, Sub and ClientID are empty when no credential was good.
	Email, Sub, ClientID string
	// IssuedAt is the ID token's iat, or the time of the sign-in for a login cookie. It is zero for an access token.
	IssuedAt time.Time
	// Refreshed means that the ID token came from a refresh, not from a sign-in.
	Refreshed bool
	// Number counts the requests that met this policy, from 1.
	Number int
	// Decision is what the ordinary rules decided.
	Decision IAPDecision
}

// IAPDecision is what becomes of a request.
type IAPDecision struct {
	// Status 200 lets the request through (it needs a good credential); 302 sends to the sign-in page; any other
	// status is IAP's own answer, with its marker.
	Status int
	// Text is the body of a refusal.
	Text string
	// Code is added to the body as "Error code N" unless it is zero.
	Code int
}

// IAPPolicy has the last word on every request. It is called from several goroutines at once.
type IAPPolicy func(IAPRequest) IAPDecision

// SetIAPPolicy puts p behind IAP's ordinary rules; nil takes it away. [IAPRequest].Number starts again.
func (e *Emulator) SetIAPPolicy(p IAPPolicy) {
	e.set(func(s *settings) { s.policy, s.policyCalls = p, 0 })
}

// RefuseAlways is the policy of an IAP that takes no token: 401 with the marker for ever.
func RefuseAlways(IAPRequest) IAPDecision {
	return IAPDecision{Status: http.StatusUnauthorized, Text: textBearer}
}

// RefuseAlternate refuses the first, third, fifth... request with 401 and applies the ordinary rules to the others.
func RefuseAlternate(r IAPRequest) IAPDecision {
	if r.Number%2 == 1 {
		return RefuseAlways(r)
	}
	return r.Decision
}

// RefuseRefreshed is an access-level policy: tokens from a refresh are refused, only a sign-in helps.
// https://docs.cloud.google.com/iap/docs/authentication-howto
func RefuseRefreshed(r IAPRequest) IAPDecision {
	if r.Refreshed {
		return RefuseAlways(r)
	}
	return r.Decision
}

// RefuseIssuedBefore refuses tokens older than t, which is compared in whole seconds as iat has them.
func RefuseIssuedBefore(t time.Time) IAPPolicy {
	return func(r IAPRequest) IAPDecision {
		if r.Email != "" && r.IssuedAt.Unix() < t.Unix() {
			return IAPDecision{Status: http.StatusUnauthorized, Text: textExpired}
		}
		return r.Decision
	}
}

func (e *Emulator) applyPolicy(r *http.Request, who *identity, d IAPDecision) IAPDecision {
	var policy IAPPolicy
	var number int
	e.set(func(s *settings) {
		policy = s.policy
		s.policyCalls++
		number = s.policyCalls
	})
	if policy == nil {
		return d
	}
	q := IAPRequest{Method: r.Method, Host: r.Host, Path: r.URL.Path, Number: number, Decision: d}
	if who != nil {
		q.Email, q.Sub, q.ClientID, q.IssuedAt, q.Refreshed = who.email, who.sub, who.clientID, who.issuedAt, who.refreshed
	}
	return policy(q)
}
