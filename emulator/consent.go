package emulator

import (
	"crypto/subtle"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	pageLifetime = 30 * time.Minute
	// formCookie ties the consent form to the browser that it was shown to.
	formCookie = "emulator_form"
	// askCookie asks for the consent page where AutoConsent would skip it.
	askCookie = "emulator_ask"
)

// pendingPage is a consent page that waits for its answer; either auth or device is set.
type pendingPage struct {
	auth   *authRequest
	device *deviceRequest
	cookie string
}

type pages struct {
	mu   sync.Mutex
	open expiring[pendingPage]
}

type consentView struct {
	Nonce    string
	Client   string
	Place    string // where the browser goes next
	UserCode string
	Scopes   []string
	Accounts []Account
	Page     string
	Action   string
}

// showConsent offers the accounts, the hinted one first.
func (e *Emulator) showConsent(w http.ResponseWriter, p pendingPage) {
	view := consentView{Nonce: randomToken(16), Page: randomToken(24), Action: pathConsent, Accounts: e.Accounts()}
	var formTarget, hint string
	var scopes []string
	if p.auth != nil {
		u, _ := url.Parse(p.auth.redirectURI) // checked before
		view.Client, view.Place, hint, scopes = p.auth.client.ID, u.Host, p.auth.loginHint, p.auth.scopes
		formTarget = u.Scheme + "://" + u.Host
		if strings.Contains(u.Host, "[") {
			formTarget = u.Scheme + ":" // CSP has no way to write an IPv6 host
		}
	} else {
		view.Client, view.UserCode, scopes = p.device.client.ID, p.device.userCode, p.device.scopes
	}
	for _, s := range scopes {
		view.Scopes = append(view.Scopes, scopeText(s))
	}
	slices.SortStableFunc(view.Accounts, func(a, b Account) int {
		return boolToInt(sameEmail(b.Email, hint)) - boolToInt(sameEmail(a.Email, hint))
	})
	p.cookie = randomToken(24)
	now := e.now()
	e.pages.mu.Lock()
	e.pages.open.put(view.Page, p, now, now.Add(pageLifetime))
	e.pages.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: formCookie + "_" + view.Page[:8], Value: p.cookie, Path: pathConsent,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: int(pageLifetime / time.Second)})
	showPage(w, http.StatusOK, consentPage, view.Nonce, formTarget, view)
}

// serveConsent takes the answer of a consent page: once, and from the browser that got the page.
func (e *Emulator) serveConsent(w http.ResponseWriter, r *http.Request) {
	form, refused := postedForm(r)
	if refused != nil {
		e.showError(w, &pageError{refused.code, refused.description})
		return
	}
	page, ok := e.takePage(r, form.Get("page"))
	if !ok {
		e.showError(w, &pageError{"invalid_request", "This page was answered already, is too old, or belongs to another browser."})
		return
	}
	account, known := e.account(form.Get("account"))
	denied := form.Get("decision") == "deny"
	if !denied && !known {
		e.showError(w, &pageError{"invalid_request", "This account does not exist here."})
		return
	}
	switch {
	case page.device != nil:
		e.decideDevice(page.device, account, !denied)
		nonce := randomToken(16)
		showPage(w, http.StatusOK, donePage, nonce, "", map[string]any{"Denied": denied, "Nonce": nonce})
	case denied:
		redirectWithError(w, r, page.auth, "access_denied", http.StatusSeeOther)
	default:
		e.redirectWithCode(w, r, page.auth, account, http.StatusSeeOther)
	}
}

func (e *Emulator) takePage(r *http.Request, id string) (pendingPage, bool) {
	e.pages.mu.Lock()
	defer e.pages.mu.Unlock()
	p, ok := e.pages.open.get(id, e.now())
	if !ok {
		return pendingPage{}, false
	}
	cookie, err := r.Cookie(formCookie + "_" + id[:8])
	if err != nil || subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(p.cookie)) != 1 {
		return pendingPage{}, false
	}
	return e.pages.open.take(id, e.now())
}

func (e *Emulator) showDeviceForm(w http.ResponseWriter, status int, problem string) {
	nonce := randomToken(16)
	showPage(w, status, devicePage, nonce, "", map[string]any{"Nonce": nonce, "Action": pathDevicePage, "Problem": problem})
}

func (e *Emulator) showError(w http.ResponseWriter, p *pageError) {
	nonce := randomToken(16)
	showPage(w, http.StatusBadRequest, errorPage, nonce, "", map[string]any{"Nonce": nonce, "Code": p.code, "Text": p.text})
}

func showPage(w http.ResponseWriter, status int, page func() *template.Template, nonce, formTarget string, view any) {
	pageHeaders(w, nonce, formTarget)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = page().Execute(w, view) // the client left, or the template has a bug that the tests show
}

// pageHeaders are those of everything a person's browser gets. The opener policy is Google's: a page that opened the
// sign-in in a popup loses its hold on it.
func pageHeaders(w http.ResponseWriter, nonce, formTarget string) {
	h := w.Header()
	noStore(w)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	style := "'none'"
	if nonce != "" {
		style = "'nonce-" + nonce + "'"
	}
	// A browser applies form-action to the redirect that follows the post, too.
	h.Set("Content-Security-Policy", strings.TrimSpace("default-src 'none'; style-src "+style+
		"; base-uri 'none'; frame-ancestors 'none'; form-action 'self' "+formTarget))
}

func scopeText(s string) string {
	switch s {
	case "openid":
		return "Know who you are"
	case "email":
		return "See your e-mail address"
	case "profile":
		return "See your name"
	}
	return s
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
