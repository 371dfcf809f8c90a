package doctor

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// What can be wrong where something else than IAP guards a service, such as
// oauth2-proxy or a module of its web server.
const (
	codeGuardRefusesToken Code = "guard-refuses-token"
	codeGuardRefuses      Code = "guard-refuses"
	codeGuardedService    Code = "guarded-service-error"
)

func guardDiagnoses() []Diagnosis {
	return []Diagnosis{
		{Code: codeGuardRefusesToken, Check: Token, Level: Fail, Exit: exitRefused,
			Title: "{host} is not behind IAP, and what guards it does not take the token of {email}",
			Cause: "It takes no bearer tokens at all, only the cookie of a browser; or none of the provider {provider}; or none of the OAuth client {client_id}, which is the " +
				"token's audience.",
			Do: []string{"The owner of the service has its guard accept ID tokens of that provider and that client, as \"skip_jwt_bearer_tokens\" does in oauth2-proxy.",
				"If your team has a client for this service already, configure that one."}},
		{Code: codeGuardRefuses, Check: Access, Level: Fail, Exit: exitFailed,
			Title: "{host} is not behind IAP, and refuses {email}: {status}",
			Cause: "What guards it, or the service itself, knows who you are and does not let you do this.",
			Do:    []string{"Ask the owner of the service for access."}},
		{Code: codeGuardedService, Check: Access, Level: Fail, Exit: exitFailed,
			Title: "{host} is not behind IAP, and answers {status} to {email}",
			Cause: "The path is wrong, or the service has a fault.",
			Do:    []string{"Check the path.", "Look at the service."}},
	}
}

// ownSignIn tells whether a redirect leads to the sign-in page of the profile's own
// provider. Google's is not meant: many services send people there by themselves.
func (e *examination) ownSignIn(to *url.URL) bool {
	if e.Profile == nil || e.Profile.Client() == nil || e.Profile.Client().Issuer() == oidc.GoogleIssuer {
		return false
	}
	for _, page := range []string{e.Profile.Client().Issuer(), e.signInPage} {
		if u, err := url.Parse(page); err == nil && u.Host != "" && usual(u) == usual(to) {
			return true
		}
	}
	return false
}

// wantsBearer tells whether an answer asks for a bearer token (RFC 6750 section 3).
func (a *answer) wantsBearer() bool {
	for _, challenge := range a.header.Values("WWW-Authenticate") {
		if scheme, _, _ := strings.Cut(strings.TrimSpace(challenge), " "); strings.EqualFold(scheme, "Bearer") {
			return a.status == http.StatusUnauthorized
		}
	}
	return false
}

// otherGuard recognises a guard that is not IAP and to which the token may mean
// something, by its answer to a request without one.
func (e *examination) otherGuard(a *answer) (Result, bool) {
	if e.Profile == nil || e.Profile.Client() == nil {
		return Result{}, false
	}
	issuer := e.Profile.Client().Issuer()
	switch to := a.location(); {
	case to != nil && e.ownSignIn(to):
		return passed(IAP, "%s is guarded, not by IAP: it sends people to %s, where this profile signs in", origin(e.URL), issuer), true
	case issuer != oidc.GoogleIssuer && a.wantsBearer():
		return passed(IAP, "%s is guarded, not by IAP: it asks for a bearer token", origin(e.URL)), true
	}
	return Result{}, false
}

// guardAnswer is what a guard that is not IAP, or the service behind it, answered to
// the token.
func (e *examination) guardAnswer(a *answer, refused *iap.RefusedError) Result {
	facts := e.facts()
	facts["status"] = a.line()
	seen := ""
	if challenge := a.header.Get("WWW-Authenticate"); strings.Contains(challenge, "error") {
		seen = challenge
	}
	switch to := a.location(); {
	case a.status == http.StatusUnauthorized, to != nil && (e.ownSignIn(to) || signIn(to)), refused != nil && a.status != http.StatusForbidden:
		return diagnosed(codeGuardRefusesToken, facts, seen)
	case a.status == http.StatusForbidden:
		return diagnosed(codeGuardRefuses, facts, seen)
	case a.status >= 400:
		return diagnosed(codeGuardedService, facts, "")
	}
	return passed(Access, "what guards the service lets %s in; it answers %s", facts["email"], facts["status"])
}
