package hub

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"github.com/tokentoss/tokentoss/frontends/http/loopback"
)

// The pages. They hold nothing that came with a request.
var (
	pageDone     = loopback.Page{Title: "Done", Text: "Your notebook has what it needs to sign you in, and shows how that went.", Next: "You can close this window."}
	pageUnknown  = loopback.Page{Title: "Not this sign-in", Text: "No notebook waits for this sign-in: it has expired, or was answered already.", Next: "Begin anew in the notebook."}
	pageOther    = loopback.Page{Title: "Not you", Text: "A notebook of another user of this hub began this sign-in. Nothing was given to it.", Next: "If you did not mean to sign in, somebody may have wanted you to: tell who runs the hub."}
	pageLost     = loopback.Page{Title: "Begin anew", Text: "This browser did not begin that, or it took too long.", Next: "Begin anew in the notebook. The browser has to take cookies of the hub."}
	pageRefused  = loopback.Page{Title: "Not allowed", Text: "The hub does not let you use this service.", Next: "Ask who runs the hub: the role of users needs the scope access:services!service=tokentoss."}
	pageHubFails = loopback.Page{Title: "Try again", Text: "The hub did not say who you are.", Next: "Begin anew in the notebook in a moment."}
	pageNothing  = loopback.Page{Title: "Sign-in for notebooks", Text: "This is where a browser comes back to when somebody signs in inside a notebook. There is nothing else to see."}
	pageMethod   = loopback.Page{Title: "Not that way", Text: "Only a browser's navigation is answered here."}
)

// browser has a page answer navigations only.
func browser(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		loopback.Protect(w.Header())
		mode, dest := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
		switch {
		case r.Method != http.MethodGet:
			w.Header().Set("Allow", http.MethodGet)
			pageMethod.Write(w, r, http.StatusMethodNotAllowed)
		case mode != "" && mode != "navigate" || dest != "" && dest != "document":
			pageMethod.Write(w, r, http.StatusForbidden)
		default:
			h(w, r)
		}
	}
}

// callback takes the provider's redirect, and has the hub say whose browser it is.
func (s *Service) callback(w http.ResponseWriter, r *http.Request) {
	id, v := s.table.visit(r.URL.Query())
	if v == nil {
		s.logOf(r).Info("a redirect that no kernel waits for")
		pageUnknown.Write(w, r, http.StatusBadRequest)
		return
	}
	http.SetCookie(w, s.cookie(id, int(visitLifetime.Seconds())))
	q := url.Values{"client_id": {s.ClientID}, "redirect_uri": {s.Returns}, "response_type": {"code"}, "state": {id}}
	q.Set("code_challenge", oauth2.S256ChallengeFromVerifier(v.verifier))
	q.Set("code_challenge_method", "S256")
	w.Header().Set("Location", s.Authorize+"?"+q.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

// cookie returns the one by which a visit's browser is known; each has its own.
func (s *Service) cookie(id string, age int) *http.Cookie {
	return &http.Cookie{
		Name: "tokentoss-" + id[:8], Value: id, Path: s.Prefix, MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(s.PublicURL, "https:"),
	}
}

// returned takes the hub's redirect, and gives the provider's to the kernel that waits.
func (s *Service) returned(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	id := q.Get("state")
	if len(id) < 8 {
		pageLost.Write(w, r, http.StatusBadRequest)
		return
	}
	c, err := r.Cookie(s.cookie(id, 0).Name)
	if err != nil || subtle.ConstantTimeCompare([]byte(c.Value), []byte(id)) != 1 {
		s.logOf(r).Warn("a browser came back from the hub that had not been sent there")
		pageLost.Write(w, r, http.StatusForbidden)
		return
	}
	http.SetCookie(w, s.cookie(id, -1))
	v := s.table.leave(id)
	if v == nil {
		pageLost.Write(w, r, http.StatusBadRequest)
		return
	}
	if q.Get("code") == "" {
		s.logOf(r).Warn("the hub refused a user", "waits", v.signIn.user)
		pageRefused.Write(w, r, http.StatusForbidden)
		return
	}
	token, err := s.tokenFor(r.Context(), q.Get("code"), v.verifier)
	if err != nil {
		s.logOf(r).Warn("the hub did not say whose a browser is", "error", err)
		pageHubFails.Write(w, r, http.StatusBadGateway)
		return
	}
	user, err := s.whose(r.Context(), token)
	if err != nil {
		s.logOf(r).Warn("the hub did not say whose a browser is", "error", err)
		pageRefused.Write(w, r, http.StatusForbidden)
		return
	}
	owner, ok := s.table.arrive(v, user)
	switch {
	case ok:
		s.logOf(r).Info("a browser came back", "user", user)
		pageDone.Write(w, r, http.StatusOK)
	case owner != user:
		s.logOf(r).Warn("the browser of one user brought the sign-in of another, which was refused", "browser", user, "kernel", owner)
		pageOther.Write(w, r, http.StatusForbidden)
	default:
		pageUnknown.Write(w, r, http.StatusConflict)
	}
}
