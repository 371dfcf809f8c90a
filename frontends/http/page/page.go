// Package page serves the page on which a person signs in. It is the widget of
// package notebook/widget with a carrier of its own: messages go up by POST, each
// with the key in a header, and come down by one answer that does not end, which
// the page reads with fetch. An EventSource could not send the key, and a key in an
// address would be in logs and in the history.
package page

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/tokentoss/tokentoss/frontends/http/api"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
	"github.com/tokentoss/tokentoss/frontends/signin"
	"github.com/tokentoss/tokentoss/frontends/signin/widget"
)

// KeyHeader has the key in a request of the page.
const KeyHeader = "X-Tokentoss-Key"

const (
	// maxStreams is how many views are served at once.
	maxStreams = 32

	// heartbeat is how often a view that has nothing to hear hears that, so that one
	// that is gone is noticed; writeTimeout is how long it may take to hear.
	heartbeat    = 20 * time.Second
	writeTimeout = 10 * time.Second
)

//go:embed index.html page.js page.css icon.svg
var files embed.FS

// policy lets the page load what it consists of, and make no text into markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// A Handler serves the page, to whom knows the key.
type Handler struct {
	Controller *signin.Controller
	Key        string

	streams atomic.Int32
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/message":
		h.keyed(w, r, http.MethodPost, h.message)
	case "/events":
		h.keyed(w, r, http.MethodGet, h.events)
	default:
		h.file(w, r)
	}
}

// keyed lets a request through that has the method and the key.
func (h *Handler) keyed(w http.ResponseWriter, r *http.Request, method string, next http.HandlerFunc) {
	switch {
	case r.Method != method:
		w.Header().Set("Allow", method)
		api.Refuse(w, r, http.StatusMethodNotAllowed, "only "+method+" is answered here")
	case !loopback.SameKey(r.Header.Get(KeyHeader), h.Key):
		api.Refuse(w, r, http.StatusUnauthorized, "the key of this page is missing or of an earlier run: open the address that tokentoss printed")
	default:
		loopback.Know(r)
		next(w, r)
	}
}

// file serves what the page consists of. None of it is secret.
func (h *Handler) file(w http.ResponseWriter, r *http.Request) {
	content, kind := h.content(r.URL.Path)
	switch {
	case content == nil:
		api.Refuse(w, r, http.StatusNotFound, "there is nothing at this address")
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		api.Refuse(w, r, http.StatusMethodNotAllowed, "only GET is answered here")
		return
	}
	loopback.Protect(w.Header())
	w.Header().Set("Content-Security-Policy", policy)
	// Unlike same-origin, this leaves the page its hold on the window that it opened.
	w.Header().Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
	w.Header().Set("Content-Type", kind)
	if r.Method == http.MethodGet {
		_, _ = w.Write(content) // an error is the browser's connection
	}
}

// content returns a part of the page and its type, or nil.
func (h *Handler) content(path string) ([]byte, string) {
	const script, style = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
	switch path {
	case "/":
		return own("index.html"), "text/html; charset=utf-8"
	case "/page.js":
		return own("page.js"), script
	case "/page.css":
		return own("page.css"), style
	case "/icon.svg":
		return own("icon.svg"), "image/svg+xml"
	case "/widget.js":
		return []byte(widget.Module), script
	case "/host.js":
		return []byte(widget.Host), script
	case "/widget.css":
		return []byte(widget.Style), style
	}
	return nil, ""
}

func own(name string) []byte {
	data, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	return data
}

// message takes a message of the view.
func (h *Handler) message(w http.ResponseWriter, r *http.Request) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		api.Refuse(w, r, http.StatusUnsupportedMediaType, "a message is application/json")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, signin.MaxMessage))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		api.Refuse(w, r, http.StatusRequestEntityTooLarge, "the message is too long")
		return
	case err != nil:
		api.Refuse(w, r, http.StatusBadRequest, "the message was cut short")
		return
	}
	m, err := signin.ParseClientMessage(body)
	if err == nil {
		err = h.Controller.Handle(m)
	}
	if err != nil {
		api.Refuse(w, r, http.StatusBadRequest, err.Error())
		return
	}
	loopback.Protect(w.Header())
	w.WriteHeader(http.StatusNoContent)
}

// events sends the view what it has to show, until it leaves or the controller ends.
func (h *Handler) events(w http.ResponseWriter, r *http.Request) {
	if h.streams.Add(1) > maxStreams {
		h.streams.Add(-1)
		api.Refuse(w, r, http.StatusServiceUnavailable, "too many pages are open: close some")
		return
	}
	defer h.streams.Add(-1)
	loopback.Protect(w.Header())
	w.Header().Set("Content-Type", "text/event-stream")
	s := stream{w: w, control: http.NewResponseController(w)}
	_ = s.control.SetReadDeadline(time.Time{}) // nothing more is read
	view := h.Controller.Subscribe()
	for {
		ctx, cancel := context.WithTimeout(r.Context(), heartbeat)
		list, err := view.Next(ctx)
		cancel()
		switch {
		case r.Context().Err() != nil, errors.Is(err, io.EOF):
			return
		case err != nil:
			s.write([]byte(": nothing new\n\n"))
		}
		for _, m := range list {
			s.message(m)
		}
		if s.flush(); s.err != nil {
			return
		}
	}
}

// A stream is an answer that does not end.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (s *stream) write(data []byte) {
	if s.err == nil {
		_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, s.err = s.w.Write(data)
	}
}

// message writes an event. JSON has no line breaks.
func (s *stream) message(m signin.Message) {
	data, err := json.Marshal(m)
	if err != nil {
		s.err = err
		return
	}
	s.write(append(append([]byte("data: "), data...), '\n', '\n'))
}

func (s *stream) flush() {
	if s.err == nil {
		s.err = s.control.Flush()
	}
}
