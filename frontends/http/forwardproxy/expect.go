package forwardproxy

import "net/http"

// expects returns what to answer a request with that is forwarded. Where a client may wait
// for 100 (Continue) before it sends the body (RFC 9110 section 10.1.1), no other
// informational answer of the service passes: net/http writes 100 when the body is read
// first, by HTTP/1.1 without keeping it apart from what is written meanwhile, and by
// HTTP/2, where it does not tell who waits, not at all after another answer.
func expects(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if r.ContentLength == 0 || r.ProtoMajor == 1 && r.Header.Get("Expect") == "" {
		return w
	}
	return expecting{w}
}

// expecting passes 100 alone of the informational answers, and 101, which is a last one.
type expecting struct{ http.ResponseWriter }

// Unwrap is for [http.ResponseController].
func (e expecting) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (e expecting) WriteHeader(code int) {
	if code <= http.StatusSwitchingProtocols || code >= http.StatusOK {
		e.ResponseWriter.WriteHeader(code)
	}
}
