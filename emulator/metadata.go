package emulator

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// metadataFlavor is the header that requests to a metadata server must have, and its answers do.
const metadataFlavor = "Metadata-Flavor"

// serveMetadata is the part of a virtual machine's metadata server that gives tokens of its service account, the first
// of [Options].ServiceAccounts. A client finds it by GCE_METADATA_HOST.
// https://docs.cloud.google.com/compute/docs/instances/verifying-instance-identity
func (e *Emulator) serveMetadata(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(metadataFlavor, "Google")
	w.Header().Set("Server", "Metadata Server for VM")
	switch {
	case !strings.EqualFold(r.Header.Get(metadataFlavor), "Google"):
		http.Error(w, "Missing Metadata-Flavor:Google header.", http.StatusForbidden)
		return
	case r.Header.Get("X-Forwarded-For") != "":
		http.Error(w, "The request has the header X-Forwarded-For.", http.StatusForbidden)
		return
	}
	a, what, ok := e.metadataAccount(strings.TrimPrefix(r.URL.Path, pathMetadata+"instance/service-accounts/"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	now := e.now()
	switch what {
	case "email":
		metadataText(w, a.Email)
	case "token":
		noStore(w)
		writeJSON(w, http.StatusOK, e.machineAccess(Account{Email: a.Email, Sub: a.Sub}, scopeCloud, now))
	case "identity":
		e.serveMetadataIdentity(w, r, a, now)
	default:
		http.NotFound(w, r)
	}
}

// metadataAccount finds the account of "default/identity" or "ADDRESS/identity".
func (e *Emulator) metadataAccount(path string) (a ServiceAccount, what string, ok bool) {
	name, what, ok := strings.Cut(path, "/")
	if !ok || len(e.opts.ServiceAccounts) == 0 {
		return a, "", false
	}
	a = e.opts.ServiceAccounts[0]
	return a, what, name == "default" || sameEmail(name, a.Email)
}

func (e *Emulator) serveMetadataIdentity(w http.ResponseWriter, r *http.Request, a ServiceAccount, now time.Time) {
	q := r.URL.Query()
	if q.Get("audience") == "" {
		http.Error(w, "non-empty audience parameter required", http.StatusBadRequest)
		return
	}
	token, err := e.machineToken(a, q.Get("audience"), strings.EqualFold(q.Get("format"), "full"), now)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	noStore(w)
	metadataText(w, token)
}

func metadataText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/text")
	_, _ = fmt.Fprint(w, text)
}
