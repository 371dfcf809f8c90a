package proxy

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/frontends/http/internal/remedy"
)

// errorHeader is on what the proxy answers itself, and on nothing else.
const errorHeader = "Tokentoss-Error"

// A problem is an answer of the proxy itself.
type problem struct {
	Status  int    `json:"-"`
	Code    string `json:"error"` // for programs
	Title   string `json:"-"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"` // what to do next
}

var (
	problemNotForward = problem{http.StatusBadRequest, "not_a_forward_proxy", "Not that way", "this address is the service itself, not a proxy to set in a browser or in http_proxy", "ask it for a path, like http://127.0.0.1:PORT/"}
	problemHost       = problem{http.StatusMisdirectedRequest, "wrong_host", "Wrong address", "the Host of the request is not one of this proxy's", "use the address that tokentoss printed"}
	problemCrossSite  = problem{http.StatusForbidden, "cross_site", "Not from another page", "a page of another address led here", "open the address in a tab of its own"}
	problemSecret     = problem{http.StatusForbidden, "secret_needed", "Not yet", "this browser has not shown that it is yours", "open the link that tokentoss printed; it works once, and tokentoss then prints another"}
	problemTool       = problem{http.StatusUnauthorized, "secret_needed", "Not yet", "the request does not show this proxy's secret", "send it as the password of basic authentication, as the header " + secretHeader + ", or as the path /~SECRET/; tokentoss printed it"}
	problemLink       = problem{http.StatusForbidden, "link_used", "This link was used", "a link works once, and in one browser", "open the one that tokentoss printed last"}
	problemNoTarget   = problem{http.StatusNotFound, "no_target", "Nothing here", "no service has this address", ""}
	problemReplay     = problem{http.StatusBadGateway, "token_renewed", "Refused by IAP", "IAP refused the token, and the request's body is too large to be sent twice; the token was renewed", "send the request again"}
)

// errStale is IAP's refusal of a request that could not be repeated.
var errStale = errors.New("IAP refused the token, and the body could not be sent again")

// explain finds what a failed request means to the person. origin is the service's.
func explain(err error, origin string) problem {
	var refused *iap.RefusedError
	var token *tokenError
	switch {
	case errors.Is(err, errStale):
		return problemReplay
	case errors.As(err, &refused):
		return explainRefusal(refused)
	case errors.As(err, &token):
		return explainToken(token.err)
	}
	return explainUpstream(err, origin)
}

func explainRefusal(e *iap.RefusedError) problem {
	if e.OneShot {
		p := problemReplay
		p.Message = e.Error()
		return p
	}
	kind := fault.Of(e)
	title := "Refused by IAP"
	if kind == fault.NoAccess {
		title = "No access"
	}
	return problem{kind.Row().HTTP, string(kind), title, e.Error(), e.Remedy().String()}
}

// titles are those of a page that says why there is no token.
var titles = map[fault.Kind]string{
	fault.NotConfigured: "Not configured",
	fault.SignInNeeded:  "Sign in",
	fault.Offline:       "The sign-in service is not reached",
	fault.ProviderBusy:  "The sign-in service has trouble",
}

// explainToken is about the sign-in. Of an App in another process there is the
// text, and its kinds.
func explainToken(err error) problem {
	kind := fault.Of(err)
	hint := remedy.Words(err)
	if kind == fault.SignInNeeded || kind == fault.NotConfigured {
		hint += "; this proxy goes on by itself then"
	}
	return problem{kind.Row().HTTP, string(kind), cmp.Or(titles[kind], "No token"), err.Error(), cmp.Or(hint, "run tokentoss doctor")}
}

// explainUpstream is about the way to the service.
func explainUpstream(err error, origin string) problem {
	p := problem{http.StatusBadGateway, "upstream", "The service does not answer", origin + ": " + err.Error(), "see whether the service runs, and try again"}
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var timeout net.Error
	switch {
	case errors.As(err, &dns):
		p.Code, p.Title, p.Hint = "upstream_name", "The service is not found", "see whether its name is written right, and whether this machine is online or needs a VPN"
	case errors.As(err, &certificate):
		p.Code, p.Title, p.Hint = "upstream_tls", "The service cannot be trusted", cmp.Or(oidc.CertificateRemedy(err).String(), fault.UntrustedServer.Row().Remedy.String())+"; nothing was sent"
	case errors.As(err, &record), errors.As(err, &alert):
		p.Code, p.Title, p.Hint = "upstream_tls", "The service does not speak TLS", "see whether the target's scheme and port are right"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		p.Status, p.Code, p.Title = http.StatusGatewayTimeout, "upstream_timeout", "The service takes too long"
	}
	return p
}

// write sends the problem: a page to those who want one, else JSON.
func (p problem) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	protect(h)
	h.Set(errorHeader, p.Code)
	if p.Status == http.StatusUnauthorized {
		h.Set("Www-Authenticate", `Basic realm="tokentoss proxy"`)
	}
	if strings.Contains(strings.Join(r.Header["Accept"], ","), "text/html") {
		writePage(w, r, p.Status, page{Title: p.Title, Text: sentence(p.Message), Next: p.Hint})
		return
	}
	writeJSON(w, r, p.Status, p)
}

// sentence makes a message one.
func sentence(s string) string {
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
