// Package local is what every server on this machine shares: it listens on a
// loopback address only, and its gate lets nobody in but programs and pages that
// know the server's key.
//
// A loopback address is no identity. Any web page that a person has open, and
// any user of the machine, can send requests to it. So: the Host must be one of
// the server's own (DNS rebinding), the Origin and the Fetch Metadata of a browser
// must be the server's own pages', no header lets another origin read an answer,
// and what does anything wants a key that was made for this run.
package local

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
)

// An AddressError is an address that cannot be listened on.
type AddressError struct {
	Address string
	Problem string
	hint    string
	err     error
}

func (e *AddressError) Error() string { return "cannot listen on " + e.Address + ": " + e.Problem }

func (e *AddressError) Unwrap() error { return e.err }

// Is makes errors.Is(err, fault.AddressInUse) true.
func (e *AddressError) Is(target error) bool { return target == fault.AddressInUse }

// Hint says what to do.
func (e *AddressError) Hint() string { return e.hint }

// Listen listens on a loopback address, host:port; without one, on a port of
// 127.0.0.1 that is free. It never takes another port than it was told.
func Listen(address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &AddressError{Address: address, Problem: "it is not of the form host:port", hint: "write listen = \"127.0.0.1:8080\"", err: err}
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return nil, &AddressError{Address: address, Problem: "it is not an address of this machine alone", hint: "write 127.0.0.1:" + port + "; let ssh -L forward the port to reach it from elsewhere"}
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err == nil {
		return l, nil
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return nil, &AddressError{Address: address, Problem: err.Error(), hint: "another program has port " + port + ": end it, or listen on another port", err: err}
}

// NewKey returns a key, of at least 128 bits.
func NewKey() string { return rand.Text() }

// SameKey compares keys in constant time.
func SameKey(got, want string) bool {
	return want != "" && subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// A Gate lets requests through to Next that are for this server and from its own
// pages, or from programs that are no browser.
type Gate struct {
	Hosts []string // see HostsOf
	Next  http.Handler

	// Refuse answers the others.
	Refuse func(w http.ResponseWriter, r *http.Request, status int, reason string)
}

// HostsOf returns what the Host header may be for a server that listens on l.
func HostsOf(l net.Listener) []string {
	bound := l.Addr().(*net.TCPAddr)
	port := strconv.Itoa(bound.Port)
	return []string{net.JoinHostPort(bound.IP.String(), port), "localhost:" + port}
}

// ServeHTTP implements [http.Handler].
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, reason := g.check(r)
	if status != 0 {
		g.Refuse(w, r, status, reason)
		return
	}
	g.Next.ServeHTTP(w, r)
}

// check returns 0, or how and why a request is refused.
func (g *Gate) check(r *http.Request) (status int, reason string) {
	if !g.serves(r.Host) || r.URL.IsAbs() && !g.serves(r.URL.Host) || r.Method == http.MethodConnect {
		return http.StatusMisdirectedRequest, fmt.Sprintf("this server is %s and answers to no other name; a forwarded port must have the same number", g.Hosts[0])
	}
	origins := r.Header.Values("Origin")
	if len(origins) > 1 || len(origins) == 1 && !g.ownOrigin(origins[0]) {
		return http.StatusForbidden, "this request comes from another site's page"
	}
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "", "none", "same-origin":
		return 0, ""
	}
	// A person may follow a link to the page. There is nothing on it without the
	// key, and no other page can read it or frame it.
	if isNavigation(r) {
		return 0, ""
	}
	return http.StatusForbidden, "this request comes from another site's page"
}

func (g *Gate) serves(host string) bool {
	for _, own := range g.Hosts {
		if strings.EqualFold(host, own) {
			return true
		}
	}
	return false
}

// ownOrigin compares whole origins. The port is part of them.
func (g *Gate) ownOrigin(origin string) bool {
	host, ok := strings.CutPrefix(origin, "http://")
	return ok && g.serves(host)
}

// isNavigation tells whether a person goes to the page with a browser.
func isNavigation(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == "/" &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// Protect sets the headers that every answer has: nobody stores, frames or sniffs
// it, and no other origin reads it.
func Protect(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
