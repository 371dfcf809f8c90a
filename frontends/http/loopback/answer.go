package loopback

import (
	"bufio"
	"net"
	"net/http"
)

// An Answer remembers the status code of what is written to it.
type Answer struct {
	http.ResponseWriter
	Code int // 0 before there is one
}

// WriteHeader implements [http.ResponseWriter].
func (w *Answer) WriteHeader(code int) {
	if code >= http.StatusOK && w.Code == 0 { // others are on the way to the answer
		w.Code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

// Write implements [http.ResponseWriter].
func (w *Answer) Write(p []byte) (int, error) {
	if w.Code == 0 {
		w.Code = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Flush implements [http.Flusher].
func (w *Answer) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Hijack implements [http.Hijacker].
func (w *Answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.Code = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// Unwrap lets [http.ResponseController] do the rest.
func (w *Answer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
