package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap"
)

// once is a token that is not renewed: whether that would help is decided here.
type once struct{ token core.IDToken }

// IDToken implements [iap.TokenSource].
func (o once) IDToken(context.Context) (core.IDToken, error) { return o.token, nil }

// Renew implements [iap.TokenSource].
func (o once) Renew(_ context.Context, stale core.IDToken) (core.IDToken, error) { return stale, nil }

// ask asks for u with the token, and follows redirects within the origin. refused
// is what IAP said to it, if it refused. What else went wrong is reported.
func (e *examination) ask(ctx context.Context, u *url.URL) (a *answer, refused *iap.RefusedError, ok bool) {
	through, err := e.transport(once{e.token})
	if err != nil {
		return nil, nil, false // which address would have said
	}
	fetch := func(u *url.URL) (*answer, error) {
		a, err := e.probe.get(ctx, u, through)
		if refused = nil; errors.As(err, &refused) && a != nil {
			return a, nil
		}
		return a, err
	}
	if a, err = fetch(u); err != nil {
		return nil, nil, e.add(e.probe.problem(u, err).of(Access))
	}
	a, ok = e.follow(a, fetch, Access)
	return a, refused, ok
}

// identity asks IAP, which answers this itself, as whom it knows the token, whether
// or not that person may use the service
// (https://docs.cloud.google.com/iap/docs/query-parameters-and-headers-howto).
// It returns the person, and whether it is worth going on.
func (e *examination) identity(ctx context.Context, at *url.URL) (string, bool) {
	u := *at
	u.RawQuery = "gcp-iap-mode=IDENTITY"
	a, refused, ok := e.askAgain(ctx, &u)
	switch {
	case !ok:
		return "", false
	case refused != nil && refused.StatusCode != http.StatusForbidden:
		return "", e.add(e.refusal(a, refused))
	}
	var who struct {
		Email string `json:"email"`
	}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &who) != nil || who.Email == "" {
		return "", true // the request that counts will tell
	}
	email := who.Email[strings.LastIndexByte(who.Email, ':')+1:]
	f := passed(Token, "IAP knows it, as that of %s", email)
	f.Facts = Facts{"email": clean(email)}
	e.add(f)
	return email, true
}

// askAgain is ask, with a new token if the first one is refused and a newer one may
// do.
func (e *examination) askAgain(ctx context.Context, u *url.URL) (*answer, *iap.RefusedError, bool) {
	a, refused, ok := e.ask(ctx, u)
	if refused == nil || refused.StatusCode == http.StatusForbidden || e.refreshed || e.other || a.marked() && aboutAudience(a, refused) {
		return a, refused, ok
	}
	stale, aged := e.token, e.aged
	fresh, err := e.Profile.Renew(ctx, stale)
	machine := e.Profile.Settings.IsMachine()
	if errors.Is(err, core.ErrRenewedRecently) {
		e.aged = !machine
	}
	if err != nil || fresh.Value == stale.Value {
		return a, refused, ok
	}
	e.token, e.refreshed, e.aged = fresh, true, !machine
	if again, second, ok := e.ask(ctx, u); !ok || second == nil {
		return again, second, ok
	}
	// A refusal of the first token says more: it may be that of a sign-in.
	e.token, e.aged = stale, aged
	return a, refused, ok
}

func aboutAudience(a *answer, refused *iap.RefusedError) bool {
	return refused.IAPCode == 900 || strings.Contains(strings.ToLower(refused.Reason), "audience") || a.code() == 900
}

// access asks for the URL as a request would. who is as whom IAP knows the token,
// or "".
func (e *examination) access(ctx context.Context, u *url.URL, who string) {
	a, refused, ok := e.askAgain(ctx, u)
	if !ok {
		return
	}
	facts := e.facts()
	facts["status"] = a.line()
	if who != "" {
		facts["email"] = who
	}
	switch {
	case e.other:
		e.add(e.guardAnswer(a, refused))
	case refused != nil && a.marked() && refused.StatusCode == http.StatusForbidden && a.code() == 0:
		e.add(diagnosed(codeNoRole, facts, ""))
	case refused != nil:
		e.add(e.refusal(a, refused))
	case a.marked() && a.status >= 400:
		e.add(e.iapFault(a, facts))
	case a.status < 400:
		e.add(passed(Access, "IAP lets %s in; the service answers %s", facts["email"], facts["status"]))
	default:
		e.add(e.ofService(a, facts))
	}
}

// ofService is an error that IAP did not make.
func (e *examination) ofService(a *answer, facts Facts) Result {
	id, ok := frontEnd(a)
	switch {
	case ok && id != codeCloudRunIAM:
	case a.status == http.StatusUnauthorized:
		id = codeService401
	case a.status == http.StatusForbidden:
		id = codeService403
	default:
		id = codeServiceError
	}
	return diagnosed(id, facts, "").of(Access)
}

// refusal finds out why IAP does not take the token.
func (e *examination) refusal(a *answer, refused *iap.RefusedError) Result {
	facts := e.facts()
	facts["expected"] = a.otherClients(facts["client_id"])
	facts["iap_client_id"] = e.iapClient
	says := strings.ToLower(refused.Reason)
	switch code := a.code(); {
	case !a.marked():
		facts["login_host"] = googleSignIn
		if to := a.location(); to != nil {
			facts["login_host"] = to.Host
		}
		return diagnosed(codeServiceSignIn, facts, "").of(Access)
	case aboutAudience(a, refused):
		return audience(facts, refused.Reason)
	case code != 0:
		return iapCodeResult(code, facts).of(Token)
	case strings.Contains(says, "expired"):
		return diagnosed(codeTokenExpired, facts, refused.Reason)
	// IAP redirects nobody who sends X-Requested-With, as was done.
	case strings.Contains(says, "empty token"), a.location() != nil:
		return diagnosed(codeTokenStripped, facts, refused.Reason)
	case e.aged:
		return diagnosed(codeAccessLevel, facts, refused.Reason)
	}
	return diagnosed(codeTokenRefused, facts, refused.Reason)
}

// audience is a client that is not on the allowlist.
func audience(facts Facts, seen string) Result {
	own, iaps := projectOf(facts["client_id"]), projectOf(facts["iap_client_id"])
	if facts["expected"] == "" {
		facts["expected"] = facts["iap_client_id"]
	}
	if facts["expected"] == "" {
		facts["expected"] = "IAP does not say"
	}
	if own != "" && iaps != "" && own != iaps && iaps != facts["project_number"] {
		return diagnosed(codeManagedClient, facts, seen)
	}
	return diagnosed(codeAudience, facts, seen)
}

// projectOf is the project number that a client ID of Google's begins with.
func projectOf(id string) string {
	if !clientID().MatchString(id) {
		return ""
	}
	number, _, _ := strings.Cut(id, "-")
	return number
}

// iapCodeResult is about "Error code N".
func iapCodeResult(code int, facts Facts) Result {
	facts["code"], facts["meaning"] = strconv.Itoa(code), meaning(code)
	return diagnosed(codeIAPErrorCode, facts, "")
}

// An ErrorCode is a number on IAP's pages.
type ErrorCode struct {
	Code    int
	Meaning string
}

// ErrorCodes returns what is known of IAP's error codes
// (https://docs.cloud.google.com/iap/docs/faq#error_codes).
func ErrorCodes() []ErrorCode {
	return []ErrorCode{
		{7, "The OAuth client that IAP has for the service has no ID or no secret."},
		{9, "The sign-in was not completed: IAP's OAuth client has a wrong secret or redirect address, or its project has no consent screen."},
		{11, "The OAuth client that IAP has for the service is not configured as it must be."},
		{13, "IAP takes the token for no valid OpenID Connect token."},
		{51, "The connection was used for more than one host, of which not all are behind the same IAP."},
		{52, "The host is not one of those that the certificate and the allowed domains of the service name."},
		{53, "The host is not one of those that the certificate and the allowed domains of the service name."},
		{900, "The token is of an OAuth client that is not on the allowlist of the service."},
	}
}

func meaning(code int) string {
	for _, c := range ErrorCodes() {
		if c.Code == code {
			return c.Meaning
		}
	}
	return "What this code means is not known here."
}
