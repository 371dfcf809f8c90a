package doctor

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core/iap"
)

// googleSignIn is where IAP, and who else signs in with Google, sends people.
const googleSignIn = "accounts.google.com"

// maxRedirects is how many redirects a browser would follow, about.
const maxRedirects = 10

// service examines the URL: first without the token, then, where IAP guards it,
// with it.
func (e *examination) service(ctx context.Context) {
	if !e.address() {
		return
	}
	last, ok := e.network(ctx)
	if !ok || !e.guarded(last) || !e.haveToken {
		return
	}
	if e.other {
		e.access(ctx, last.url, "")
		return
	}
	// Redirects within the origin may have led to another path.
	if who, ok := e.identity(ctx, last.url); ok {
		e.access(ctx, last.url, who)
	}
}

// facts are those of every diagnosis of the service.
func (e *examination) facts() Facts {
	f := Facts{"host": e.URL.Host, "origin": origin(e.URL), "email": e.token.Email, "client_id": e.token.Audience}
	if e.Profile != nil && e.Profile.Client() != nil {
		f["provider"] = e.Profile.Client().Issuer()
		f["client_id"] = e.Profile.Client().ID
	}
	if e.token.Email != "" {
		f["member"] = "user:" + e.token.Email
		if strings.HasSuffix(e.token.Email, ".gserviceaccount.com") {
			f["member"] = "serviceAccount:" + e.token.Email
		}
	}
	resource(e.URL.Hostname(), f)
	return f
}

// insecureLoopback tells whether plain http may be used on this machine.
func (e *examination) insecureLoopback() bool {
	return e.Profile == nil || e.Profile.Settings.InsecureLoopback
}

// address tells whether a token could be sent to the URL at all.
func (e *examination) address() bool {
	_, err := e.transport(nil)
	switch {
	case err != nil && e.URL.Scheme == "http":
		return e.add(diagnosed(codePlainHTTP, e.facts(), ""))
	case err != nil:
		return e.add(diagnosed(codeBadAddress, e.facts(), err.Error()))
	}
	if e.Profile != nil && len(e.Profile.Settings.Targets) > 0 && !slices.ContainsFunc(e.Profile.Settings.Targets, e.isTarget) {
		return e.add(diagnosed(codeNotATarget, e.facts(), ""))
	}
	return e.add(passed(Address, "%s", shown(e.URL)))
}

// isTarget tells whether a target of the settings is the URL's origin.
func (e *examination) isTarget(target string) bool {
	u, err := url.Parse(target)
	return err == nil && usual(u) == usual(e.URL)
}

// usual is the origin without a default port.
func usual(u *url.URL) string {
	o := origin(u)
	switch u.Scheme + ":" + u.Port() {
	case "https:443", "http:80":
		o = strings.TrimSuffix(o, ":"+u.Port())
	}
	return o
}

// transport sends a token of src to the URL's origin and nowhere else.
func (e *examination) transport(src iap.TokenSource) (*iap.Transport, error) {
	if src == nil {
		src = once{}
	}
	return iap.NewTransport(src, iap.Options{
		Origins: []string{origin(e.URL)}, InsecureLoopback: e.insecureLoopback(), Base: e.probe.recorder,
	})
}

// network asks for the URL without a token, and follows redirects within the
// origin. It returns the last answer.
func (e *examination) network(ctx context.Context) (*answer, bool) {
	u := e.URL
	if u.Scheme == "http" && e.probe.proxy(u) != "" {
		return nil, e.add(e.probe.problem(u, iap.ErrForwardProxy))
	}
	a, err := e.probe.get(ctx, u, nil)
	if err != nil {
		return nil, e.add(e.probe.problem(u, err))
	}
	if proxy := e.probe.proxy(u); proxy != "" {
		e.add(passed(Network, "%s answers, through the forward proxy %s", u.Host, proxy))
	} else {
		e.add(passed(Network, "%s answers", u.Host))
	}
	if a.dated && !slices.ContainsFunc(e.report.Checks, func(f Result) bool { return f.Check == Clock }) {
		e.clock(a.offset, "that of "+u.Host)
	}
	return e.follow(a, func(u *url.URL) (*answer, error) { return e.probe.get(ctx, u, nil) }, IAP)
}

// follow goes along redirects from a by fetch, within the origin, as far as the
// service and not IAP made them.
func (e *examination) follow(a *answer, fetch func(*url.URL) (*answer, error), check Check) (*answer, bool) {
	been := []string{a.url.String()}
	for {
		to := a.location()
		if to == nil || a.marked() || signIn(to) || e.ownSignIn(to) {
			return a, true
		}
		facts := e.facts()
		facts["next"] = shown(to)
		switch {
		case usual(to) != usual(e.URL) && to.Scheme == "http" && e.URL.Scheme == "https":
			return nil, e.add(diagnosed(codeRedirectInsecure, facts, "").of(check))
		case usual(to) != usual(e.URL):
			e.add(diagnosed(codeRedirectAway, facts, "").of(check))
			return nil, false
		case slices.Contains(been, to.String()) || len(been) > maxRedirects:
			return nil, e.add(diagnosed(codeRedirectLoop, facts, "").of(check))
		}
		been = append(been, to.String())
		next, err := fetch(to)
		if err != nil {
			return nil, e.add(e.probe.problem(to, err))
		}
		a = next
	}
}

// signIn tells whether a redirect leads to Google's sign-in page.
func signIn(to *url.URL) bool { return strings.EqualFold(to.Hostname(), googleSignIn) }

// guarded tells whether IAP guards what gave the answer a to a request without a
// token, and reports what else it is.
func (e *examination) guarded(a *answer) bool {
	facts := e.facts()
	facts["status"] = a.line()
	to := a.location()
	if to != nil {
		facts["login_host"], facts["iap_client_id"] = to.Host, to.Query().Get("client_id")
	}
	if clientID().MatchString(facts["iap_client_id"]) {
		e.iapClient = facts["iap_client_id"]
	}
	byIAP := a.marked() || to != nil && ofIAP(to)
	switch {
	case a.says("Empty Google Account OAuth client"):
		return e.add(diagnosed(codeNoIAPClient, facts, ""))
	case byIAP && to != nil && !e.providerOf(to):
		return e.add(diagnosed(codeOtherIdentities, facts, ""))
	case byIAP && a.status != http.StatusUnauthorized && a.status != http.StatusForbidden && to == nil && a.status >= 400:
		return e.add(e.iapFault(a, facts))
	case byIAP && e.iapClient != "":
		f := passed(IAP, "guards %s; its own OAuth client is %s", facts["origin"], e.iapClient)
		f.Facts = Facts{"iap_client_id": e.iapClient}
		return e.add(f)
	case byIAP:
		return e.add(passed(IAP, "guards %s", facts["origin"]))
	}
	if guard, ok := e.otherGuard(a); ok {
		e.other = true
		return e.add(guard)
	}
	if to != nil {
		return e.add(diagnosed(codeServiceSignIn, facts, ""))
	}
	if id, ok := frontEnd(a); ok {
		return e.add(diagnosed(id, facts, ""))
	}
	f := diagnosed(codeNotBehindIAP, facts, "")
	if a.status >= 400 {
		f.Level, f.exit = Fail, exitFailed
	}
	e.add(f)
	return false
}

// ofIAP tells whether a redirect is IAP's by where it comes back to.
func ofIAP(to *url.URL) bool {
	back, err := url.Parse(to.Query().Get("redirect_uri"))
	return signIn(to) && err == nil && back.Hostname() == "iap.googleapis.com"
}

// providerOf tells whether IAP signs in where the session comes from. Without a
// client there is nothing to compare.
func (e *examination) providerOf(to *url.URL) bool {
	if signIn(to) || e.Profile == nil || e.Profile.Client() == nil {
		return true
	}
	issuer, err := url.Parse(e.Profile.Client().Issuer())
	return err == nil && to.Host == issuer.Host
}

// frontEnd recognises the error pages of Google's load balancers and of what they
// put in front of a service.
func frontEnd(a *answer) (Code, bool) {
	switch a.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		if a.says("<title>403</title>403 Forbidden") {
			return codeSecurityPolicy, true
		}
		if a.says("Your client does not have permission to get URL", "The request was not authenticated") {
			return codeCloudRunIAM, true
		}
	case http.StatusNotFound:
		if a.says("Error 404 (Not Found)!!1", "default backend - 404", "fault filter abort", "was not found on this server") {
			return codeNoRoute, true
		}
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if a.says("no healthy upstream", "upstream connect error", "upstream request timeout",
			"The server encountered a temporary error", "(Server Error)!!1") {
			return codeBackendDown, true
		}
	}
	return "", false
}

// iapFault is an answer of IAP's own that is about neither token nor person.
func (e *examination) iapFault(a *answer, facts Facts) Result {
	switch code := a.code(); {
	case a.status == http.StatusTooManyRequests:
		return diagnosed(codeIAPQuota, facts, "")
	case code != 0:
		return iapCodeResult(code, facts)
	}
	return diagnosed(codeIAPFault, facts, "")
}
