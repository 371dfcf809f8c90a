package cli

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"html"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/tokentoss/tokentoss/core/peercred"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// A browserLink leads to an address with a secret in it. Its own address, which is an
// argument of the browser and so can be seen by every user of the machine, is worth
// nothing to others.
type browserLink struct {
	url    string
	remove func()
}

// newBrowserLink makes a link to an address: where the system tells whose a connection
// is, a loopback address that redirects this user, once; elsewhere a private file.
func newBrowserLink(to string) (*browserLink, error) {
	if peercred.Supported() {
		if l, err := loopbackLink(to); err == nil {
			return l, nil
		}
	}
	return fileLink(to)
}

type connKey struct{}

// loopbackLink serves the link until it is removed.
func loopbackLink(to string) (*browserLink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	host, path := l.Addr().String(), "/"+rand.Text()
	var used atomic.Bool
	refuse := func(w http.ResponseWriter, status int) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "Open the address that tokentoss shows in its terminal.\n")
	}
	s := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Cache-Control", "no-store")
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("Connection", "close")
			h.Set("Content-Type", "text/plain; charset=utf-8")
			switch conn, _ := r.Context().Value(connKey{}).(net.Conn); {
			case r.Host != host, r.Method != http.MethodGet, subtle.ConstantTimeCompare([]byte(r.URL.Path), []byte(path)) != 1:
				refuse(w, http.StatusNotFound)
			case conn == nil || peercred.Check(conn) != nil:
				refuse(w, http.StatusForbidden)
			case used.Swap(true):
				refuse(w, http.StatusGone)
			default:
				h.Set("Location", to)
				w.WriteHeader(http.StatusFound)
			}
		}),
	}
	go func() { _ = s.Serve(l) }() // ends with Close
	return &browserLink{url: "http://" + host + path, remove: func() { _ = s.Close() }}, nil
}

const linkPage = `<!DOCTYPE html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=%[1]s">
<title>tokentoss</title>
<p>This page opens <a href="%[1]s" rel="noreferrer">the page of tokentoss</a>.</p>
`

// fileLink writes the link as a page that only this user can read.
func fileLink(to string) (*browserLink, error) {
	dir, err := privatefile.RuntimeDir()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "open-*.html") // mode 0600
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(f, linkPage, html.EscapeString(to))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	remove := func() { _ = os.Remove(f.Name()) }
	if err != nil {
		remove()
		return nil, err
	}
	path := filepath.ToSlash(f.Name())
	if path[0] != '/' {
		path = "/" + path // of a drive
	}
	return &browserLink{url: (&url.URL{Scheme: "file", Path: path}).String(), remove: remove}, nil
}
