package emulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Guard is what stands in front of the service.
type Guard string

// The guards. Those that are not IAP take the same ID tokens and the same accounts, know none of IAP's paths and
// parameters, and never send its headers.
const (
	GuardIAP Guard = "iap"
	// GuardOAuth2Proxy is an oauth2-proxy with skip_jwt_bearer_tokens and skip_provider_button: a browser is redirected to the provider,
	// whatever it sent in vain; a request for JSON is 401; an account that is not allowed is 403 with a page.
	GuardOAuth2Proxy Guard = "oauth2-proxy"
	// GuardModOAuth2 is an Apache with mod_oauth2 as a resource server: 401 with a challenge (RFC 6750 section 3), never a redirect.
	GuardModOAuth2 Guard = "mod_oauth2"
)

// guardHeaders are what guards other than IAP call the person.
var guardHeaders = map[string]string{"Email": "X-Forwarded-Email", "Id": "X-Forwarded-User"}

func (g Guard) check() error {
	if !slices.Contains([]Guard{"", GuardIAP, GuardOAuth2Proxy, GuardModOAuth2}, g) {
		return fmt.Errorf("emulator: %q is not a guard: iap, oauth2-proxy or mod_oauth2", string(g))
	}
	return nil
}

func (g Guard) isIAP() bool { return g == "" || g == GuardIAP }

// callback is where a browser's sign-in ends.
func (g Guard) callback() string {
	if g == GuardOAuth2Proxy {
		return "/oauth2/callback"
	}
	return pathIAPCallback
}

// introduce tells the app who asks.
func (g Guard) introduce(r *http.Request, who *identity) {
	r.Header.Set(guardHeaders["Email"], who.email)
	r.Header.Set(guardHeaders["Id"], who.sub)
}

// refuseAs answers in the name of a guard that is not IAP.
func (e *Emulator) refuseAs(g Guard, w http.ResponseWriter, r *http.Request, d IAPDecision) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	noStore(w)
	switch {
	case g == GuardModOAuth2:
		refuseAsModOAuth2(w, d)
	case d.Status == http.StatusForbidden:
		htmlPage(w, http.StatusForbidden, "403 Forbidden", "Invalid Account")
	case strings.Contains(r.Header.Get("Accept"), "application/json"):
		writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "unauthorized"})
	default:
		e.redirectToSignIn(w, r)
	}
}

func refuseAsModOAuth2(w http.ResponseWriter, d IAPDecision) {
	challenge, status := `Bearer realm="protected"`, http.StatusUnauthorized
	switch {
	case d.Status == http.StatusForbidden:
		challenge, status = challenge+`, error="insufficient_scope"`, http.StatusForbidden
	case d.Text != textEmpty:
		challenge += `, error="invalid_token", error_description="JWT could not be verified"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	htmlPage(w, status, fmt.Sprint(status, " ", http.StatusText(status)), "This server could not verify that you are authorized to access the document requested.")
}

func htmlPage(w http.ResponseWriter, status int, title, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!DOCTYPE html>\n<title>%s</title>\n<h1>%s</h1>\n<p>%s</p>\n", title, title, text)
}
