package hub

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/jupyterhub"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/frontends/http/requestlog"
)

// maxForm bounds a request of a kernel, in bytes.
const maxForm = 64 << 10

// kernel has a handler answer kernels of users only, and tells it whose it is.
func (s *Service) kernel(method string, h func(w http.ResponseWriter, r *http.Request, user string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.Method != method {
			w.Header().Set("Allow", method)
			refuse(w, r, http.StatusMethodNotAllowed, jupyterhub.NotServed)
			return
		}
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if token == "" || !strings.EqualFold(scheme, "token") && !strings.EqualFold(scheme, "bearer") || !oidc.Secret(token).IsVisible() {
			refuse(w, r, http.StatusForbidden, jupyterhub.NotAllowed)
			return
		}
		user, err := s.whose(r.Context(), oidc.Secret(token))
		switch {
		case errors.Is(err, errNotAllowed):
			s.logOf(r).Warn("a token was refused: the hub knows nobody by it who may use the service", "path", r.URL.Path)
			refuse(w, r, http.StatusForbidden, jupyterhub.NotAllowed)
			return
		case err != nil:
			s.logOf(r).Warn("the hub did not say whose a token is", "error", err)
			refuse(w, r, http.StatusServiceUnavailable, jupyterhub.HubFails)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if r.ParseForm() != nil {
			refuse(w, r, http.StatusBadRequest, jupyterhub.NotServed)
			return
		}
		h(w, r, user)
	}
}

// refuse answers with a problem of the service's own.
func refuse(w http.ResponseWriter, r *http.Request, status int, problem string) {
	requestlog.Fail(r, problem)
	w.Header().Set(jupyterhub.Problem, problem)
	http.Error(w, problem, status)
}

// client says which OAuth client the hub has.
func (s *Service) client(w http.ResponseWriter, _ *http.Request, _ string) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(jupyterhub.Client{ClientID: s.oauth.ID, RedirectURI: s.redirectURI(), Issuer: s.oauth.Issuer()})
}

// announce takes the hash of a sign-in's state.
func (s *Service) announce(w http.ResponseWriter, r *http.Request, user string) {
	hash := r.PostForm.Get("state_hash")
	switch {
	case r.PostForm.Get("client_id") != s.oauth.ID:
		refuse(w, r, http.StatusConflict, jupyterhub.OtherClient)
	case len(hash) != len(jupyterhub.Hash("")) || !s.table.announce(user, hash):
		refuse(w, r, http.StatusBadRequest, jupyterhub.NotServed)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// response waits for the redirect of a sign-in, and gives its parameters to the kernel
// that knows the state.
func (s *Service) response(w http.ResponseWriter, r *http.Request, user string) {
	in := s.table.find(user, r.PostForm.Get("state"))
	if in == nil {
		refuse(w, r, http.StatusNotFound, jupyterhub.Unknown)
		return
	}
	timer := time.NewTimer(jupyterhub.Wait)
	defer timer.Stop()
	select {
	case <-in.arrived:
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
		_, _ = w.Write([]byte(in.query.Encode()))
	case <-timer.C:
		w.WriteHeader(http.StatusNoContent)
	case <-s.ends:
		refuse(w, r, http.StatusServiceUnavailable, jupyterhub.HubFails)
	case <-r.Context().Done():
	}
}

// provider makes a request to the provider with the client's secret. What a kernel says
// of the client and the redirect is of no account.
func (s *Service) provider(w http.ResponseWriter, r *http.Request, user string) {
	form := r.PostForm
	var a *oidc.RelayedAnswer
	var err error
	switch grant := form.Get("grant_type"); {
	case grant == "authorization_code":
		if !s.table.redeem(user, form.Get("code")) {
			s.logOf(r).Warn("a code that did not come for this user was refused", "user", user)
			invalidGrant(w)
			return
		}
		a, err = s.oauth.RelayToken(r.Context(), url.Values{
			"grant_type": {grant}, "code": form["code"], "code_verifier": form["code_verifier"], "redirect_uri": {s.redirectURI()},
		})
	case grant == "refresh_token":
		token, ok := s.sealer.open(user, form.Get(grant))
		if !ok {
			s.logOf(r).Warn("a refresh token that is not this user's was refused", "user", user)
			invalidGrant(w)
			return
		}
		a, err = s.oauth.RelayToken(r.Context(), url.Values{"grant_type": {grant}, grant: {token}})
	case grant == "" && form.Get("token") != "":
		token, ok := s.sealer.open(user, form.Get("token"))
		if !ok {
			token = form.Get("token") // an access token, which is as it was
		}
		a, err = s.oauth.RelayRevocation(r.Context(), url.Values{"token": {token}})
	default:
		refuse(w, r, http.StatusBadRequest, jupyterhub.NotServed)
		return
	}
	s.pass(w, r, user, a, err)
}

// invalidGrant answers as the provider would (RFC 6749 section 5.2).
func invalidGrant(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
}

// pass passes the provider's answer on.
func (s *Service) pass(w http.ResponseWriter, r *http.Request, user string, a *oidc.RelayedAnswer, err error) {
	if err != nil {
		s.logOf(r).Warn("the provider did not answer", "error", err)
		refuse(w, r, http.StatusServiceUnavailable, jupyterhub.NoAnswer)
		return
	}
	body := a.Body
	if a.Status == http.StatusOK && len(body) > 0 {
		var ok bool
		if body, ok = s.sealer.sealAnswer(user, body); !ok {
			refuse(w, r, http.StatusBadGateway, jupyterhub.NoAnswer)
			return
		}
	}
	for _, name := range []string{"Content-Type", "Date", "Retry-After"} {
		if v := a.Header.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(body)
}
