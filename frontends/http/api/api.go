// Package api gives tokens to programs on this machine, over HTTP:
//
//	GET /token    {"id_token": "...", "audience": "...", "email": "...", "expires_at": "..."}
//	GET /status   the status of the session, as tokentoss status --json prints it
//
// Both want the header Authorization: Bearer KEY. An error is {"error": CODE,
// "message": what happened and what to do}.
package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
	"github.com/tokentoss/tokentoss/frontends/http/requestlog"
)

// A Handler answers with what app has, to who knows the key.
type Handler struct {
	App core.App
	Key string

	// KeyFile is named in errors, so that a person finds the key.
	KeyFile string
}

// Paths are those that a Handler serves.
func Paths() []string { return []string{"/token", "/status"} }

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		Refuse(w, r, http.StatusMethodNotAllowed, "only GET is answered here")
		return
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || !loopback.SameKey(strings.TrimSpace(key), h.Key) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="tokentoss"`)
		Refuse(w, r, http.StatusUnauthorized, "send the header in "+h.KeyFile+" with the request, as curl -H @FILE does; each run of tokentoss has another key")
		return
	}
	loopback.Know(r)
	if r.URL.Path == "/status" {
		h.status(w, r)
		return
	}
	h.token(w, r)
}

// A Token is the answer of /token.
type Token struct {
	IDToken  string    `json:"id_token"`
	Audience string    `json:"audience"`
	Email    string    `json:"email"`
	Expiry   time.Time `json:"expires_at"`
}

func (h *Handler) token(w http.ResponseWriter, r *http.Request) {
	t, err := h.App.IDToken(r.Context())
	if err != nil {
		fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, Token{IDToken: t.Value.Reveal(), Audience: t.Audience, Email: t.Email, Expiry: t.Expiry.UTC()})
}

func (h *Handler) status(w http.ResponseWriter, r *http.Request) {
	st, err := h.App.Status(r.Context())
	if err != nil {
		fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, st)
}

// fail says why there is no token. The App's errors hold no secret.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil { // else nobody is there to read it
		kind := fault.Of(err)
		requestlog.Fail(r, string(kind))
		refuse(w, kind.Row().HTTP, string(kind), err.Error()+": "+loopback.Advice(err))
	}
}

// codes name the errors that are found before a Handler is asked.
var codes = map[int]string{
	http.StatusUnauthorized: "no_key", http.StatusForbidden: "cross_site", http.StatusNotFound: "not_found",
	http.StatusMethodNotAllowed: "method", http.StatusMisdirectedRequest: "wrong_host",
	http.StatusUnsupportedMediaType: "content_type", http.StatusRequestEntityTooLarge: "too_large",
	http.StatusBadRequest: "bad_request", http.StatusServiceUnavailable: "busy",
}

// Refuse answers with an error. It is what a [loopback.Gate] refuses with.
func Refuse(w http.ResponseWriter, r *http.Request, status int, reason string) {
	requestlog.Fail(r, codes[status])
	refuse(w, status, codes[status], reason)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}{code, message})
}

func answer(w http.ResponseWriter, status int, v any) {
	loopback.Protect(w.Header())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the client left
}
