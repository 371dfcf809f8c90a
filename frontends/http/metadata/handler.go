package metadata

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
	"github.com/tokentoss/tokentoss/frontends/http/requestlog"
)

// flavor is the header that both sides know each other by. A page in a browser
// cannot send it to another origin unless that one agrees, and this one does not.
const flavor = "Metadata-Flavor"

// A handler answers with what app has.
type handler struct {
	app    core.App
	config Config
	key    string // first segment of every path; "" where none is wanted
	log    *slog.Logger
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := h.withoutKey(r.URL.Path)
	_, relayed := r.Header["X-Forwarded-For"]
	switch {
	case !ok:
		refuse(w, r, http.StatusNotFound, "the address lacks the secret that tokentoss metadata printed; each run has another")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, r, http.StatusMethodNotAllowed, "only GET is answered here")
	case relayed:
		refuse(w, r, http.StatusForbidden, "a request with X-Forwarded-For was relayed, and is not answered")
	case path == "" || path == "/": // how libraries find out whether there is a server
		answer(w, http.StatusOK, "computeMetadata/\n")
	case r.Header.Get(flavor) != "Google":
		refuse(w, r, http.StatusForbidden, "the header Metadata-Flavor: Google is missing")
	default:
		loopback.Know(r)
		h.metadata(w, r, strings.TrimSuffix(path[1:], "/"))
	}
}

// withoutKey takes the key off a path.
func (h *handler) withoutKey(path string) (string, bool) {
	if h.key == "" {
		return path, true
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return "/" + rest, loopback.SameKey(first, h.key)
}

// metadata answers what is at a path, which is without slashes at its ends.
func (h *handler) metadata(w http.ResponseWriter, r *http.Request, path string) {
	st, err := h.app.Status(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	node, ok := h.tree(st).find(path)
	ask, isAsked := node.(http.HandlerFunc)
	switch {
	case st.Email == "" && strings.HasPrefix(path, accountsPath) && (!ok || node == ""):
		refuse(w, r, http.StatusForbidden, "nobody is signed in: run tokentoss login")
	case !ok:
		refuse(w, r, http.StatusNotFound, "there is no "+path)
	case isAsked:
		ask(w, r)
	default:
		show(w, r, node)
	}
}

// identity answers with an ID token.
func (h *handler) identity(w http.ResponseWriter, r *http.Request) {
	want := r.URL.Query().Get("audience")
	if want == "" {
		refuse(w, r, http.StatusBadRequest, "non-empty audience parameter required")
		return
	}
	t, err := h.app.IDToken(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if want != t.Audience && !h.config.AnyAudience {
		refuse(w, r, http.StatusForbidden, fmt.Sprintf("the token of %s is for the audience %s, not for %.200q: ask for that audience, "+
			"whose OAuth client IAP must allow programs to use, or start tokentoss metadata with --any-audience", t.Email, t.Audience, want))
		return
	}
	h.log.Debug("an ID token was given to a program", "audience", want)
	answer(w, http.StatusOK, t.Value.Reveal())
}

// token says why there are no access tokens.
func (h *handler) token(w http.ResponseWriter, r *http.Request) {
	refuse(w, r, http.StatusForbidden, "tokentoss metadata gives ID tokens, for services behind IAP, and no access tokens, for Google's APIs: "+
		"gcloud auth application-default login has those")
}

// fail says why there is no answer. The App's errors hold no secret. What may work
// in a moment has a status that makes libraries try again.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil { // else nobody is there to read it
		requestlog.Fail(r, string(fault.Of(err)))
		refuse(w, r, fault.Of(err).Row().HTTP, err.Error()+": "+loopback.Advice(err))
	}
}

// refuse answers with an error. Libraries show its text.
func refuse(w http.ResponseWriter, _ *http.Request, status int, reason string) {
	answer(w, status, "tokentoss: "+reason+"\n")
}

func answer(w http.ResponseWriter, status int, text string) {
	write(w, status, "text/plain; charset=utf-8", text)
}

func write(w http.ResponseWriter, status int, kind, text string) {
	loopback.Protect(w.Header())
	w.Header().Set(flavor, "Google")
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the client left
}
