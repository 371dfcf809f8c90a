package authcode

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/peercred"
)

const (
	// headerTimeout and maxHeader bound what an idle or slow client can hold.
	headerTimeout = 5 * time.Second
	maxHeader     = 16 << 10

	// donePath shows the outcome at an address without the code, so that the
	// code is neither in the address bar nor the last entry of the history.
	// otherDonePath is for redirect URIs that have this very path.
	donePath      = "/done"
	otherDonePath = "/signed-in"
)

// A server takes the redirect.
type server struct {
	attempt *attempt
	path    string               // of the redirect URI
	done    string               // of the outcome
	host    string               // the Host that requests must name
	check   func(net.Conn) error // whose a connection is
	http    *http.Server
	served  sync.WaitGroup // the goroutine of Serve

	shown chan struct{} // closed when the outcome reached a browser
	once  sync.Once
}

// serve starts to take requests. The caller closes the server.
func serve(l *listener, a *attempt) *server { return serveWith(l, a, peercred.Check) }

func serveWith(l *listener, a *attempt, check func(net.Conn) error) *server {
	s := &server{attempt: a, path: l.path, done: donePath, host: l.Addr().String(), check: check, shown: make(chan struct{})}
	if s.path == s.done {
		s.done = otherDonePath
	}
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       headerTimeout,
		IdleTimeout:       headerTimeout,
		MaxHeaderBytes:    maxHeader,
		ConnContext:       withConn,
		// net/http would log requests that it cannot read, with their bytes.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	// A browser that keeps a connection open must not keep the port.
	s.http.SetKeepAlivesEnabled(false)
	s.served.Go(func() { _ = s.http.Serve(l) })
	return s
}

// drain waits until the outcome was shown, at most d.
func (s *server) drain(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.shown:
		// The handler returned; let the connection take its last bytes.
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		_ = s.http.Shutdown(ctx)
	case <-t.C:
	}
}

// paste implements door.
func (s *server) paste(text string) error { return s.attempt.paste(text) }

// close frees the port and ends all connections.
func (s *server) close() {
	_ = s.http.Close()
	s.served.Wait()
}

// ServeHTTP gates every request: the Host must be the address that was bound
// (DNS rebinding), the method GET, the connection not another user's, and, from
// browsers that say so, the request a navigation.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	switch {
	case !strings.EqualFold(r.Host, s.host):
		writePage(w, http.StatusMisdirectedRequest, pageWrongHost)
	case r.URL.Path != s.path && r.URL.Path != s.done:
		writePage(w, http.StatusNotFound, pageNotFound)
	case r.Method != http.MethodGet:
		h.Set("Allow", http.MethodGet)
		writePage(w, http.StatusMethodNotAllowed, pageMethod)
	case !isNavigation(r):
		writePage(w, http.StatusForbidden, pageNotNavigation)
	default:
		s.serve(w, r, peerOf(r, s.check))
	}
}

// serve answers a request that is in order, by whose it is.
func (s *server) serve(w http.ResponseWriter, r *http.Request, from peer) {
	switch {
	case from == otherPeer:
		writePage(w, http.StatusForbidden, pageOtherUser)
	case r.URL.Path == s.done:
		s.outcome(w, r)
	case from == unknownPeer && s.attempt.isAnswer(r.URL.Query()):
		// The address stays as it is, to be copied.
		writePage(w, http.StatusOK, pageCopy)
	default:
		s.callback(w, r)
	}
}

// isNavigation goes by the Fetch Metadata headers, which pages cannot forge. A
// client that sends none is not a page.
func isNavigation(r *http.Request) bool {
	mode, dest := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	return (mode == "" || mode == "navigate") && (dest == "" || dest == "document")
}

// callback takes the authorization response and sends the browser on to an
// address without it.
func (s *server) callback(w http.ResponseWriter, r *http.Request) {
	switch err := s.attempt.accept(r.URL.Query(), true); {
	case err == nil:
		w.Header().Set("Location", s.done)
		writePage(w, http.StatusSeeOther, pageMoved)
	case errors.Is(err, errUsed):
		writePage(w, http.StatusConflict, pageUsed)
	default:
		writePage(w, http.StatusBadRequest, page{Title: "Not this sign-in", Text: upperFirst(err.Error()) + ".", Next: "That one is still waiting: go back to the tab it was started in."})
	}
}

// outcome waits for the outcome and shows it.
func (s *server) outcome(w http.ResponseWriter, r *http.Request) {
	a := s.attempt
	a.mu.Lock()
	used := a.used
	a.mu.Unlock()
	if !used {
		writePage(w, http.StatusBadRequest, pageNotYet)
		return
	}
	select {
	case <-a.finished:
	case <-r.Context().Done():
		return
	}
	defer s.once.Do(func() { close(s.shown) })
	if a.err == nil {
		writePage(w, http.StatusOK, signedInPage(a.token))
		return
	}
	writePage(w, http.StatusOK, failedPage(a.err))
}

// signedInPage names the account, so that a person with several sees which.
func signedInPage(t *core.Token) page {
	p := page{Title: "Signed in", Text: "You are signed in.", Next: "You can close this window.", Good: true}
	if claims, err := t.Claims(); err == nil {
		p.Text = "You are signed in as " + claims.Account() + "."
	}
	return p
}
