package guard

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/tokentoss/tokentoss/core/googleid"
)

// refuse answers a request that does not pass. That the keys are not to be had is
// no fault of the request's, and passes: a proxy in between may try again.
func refuse(w http.ResponseWriter, r *http.Request) {
	status, code, text := http.StatusForbidden, "forbidden", "This service is to be reached through Identity-Aware Proxy."
	var keys *googleid.KeysError
	if errors.As(Reason(r.Context()), &keys) {
		status, code, text = http.StatusServiceUnavailable, "unavailable", "This service cannot find out who is asking. Try again in a moment."
		w.Header().Set("Retry-After", "10")
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if wantsJSON(r) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "{\"error\":%q,\"message\":%q}\n", code, text)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}

// wantsJSON tells whether the request names JSON, and no text before it.
func wantsJSON(r *http.Request) bool {
	for kind := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		switch mt, _, _ := mime.ParseMediaType(kind); {
		case mt == "application/json", strings.HasSuffix(mt, "+json"):
			return true
		case strings.HasPrefix(mt, "text/"):
			return false
		}
	}
	return false
}
