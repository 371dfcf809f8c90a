package loopback

import (
	"bufio"
	"net"
	"net/http"
)

// Observe serves a request by h, and then tells the status code of the answer: 0 of one
// that was cut off.
func Observe(h http.Handler, w http.ResponseWriter, r *http.Request, tell func(code int)) {
	a, whole := &answer{ResponseWriter: w}, false
	defer func() {
		if !whole {
			a.code = 0
		}
		tell(a.code)
	}()
	h.ServeHTTP(a, r)
	if whole = true; a.code == 0 {
		a.code = http.StatusOK // which the server sends where nothing was written
	}
}

// An answer remembers the status code of what is written to it.
type answer struct {
	http.ResponseWriter
	code int // 0 before there is one
}

// WriteHeader implements [http.ResponseWriter].
func (w *answer) WriteHeader(code int) {
	if code >= http.StatusOK && w.code == 0 { // others are on the way to the answer
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

// Write implements [http.ResponseWriter].
func (w *answer) Write(p []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Flush implements [http.Flusher].
func (w *answer) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Hijack implements [http.Hijacker].
func (w *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.code = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// Unwrap lets [http.ResponseController] do the rest.
func (w *answer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
