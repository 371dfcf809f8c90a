package proxy

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/tokentoss/tokentoss/frontends/http/loopback"
)

const (
	// user is the name that goes with the secret where a tool wants one. Any other
	// will do.
	user = "tokentoss"

	// secretHeader carries the secret.
	secretHeader = "Tokentoss-Secret"

	// cookiePrefix begins the names of the cookies of all proxies. Browsers send
	// them to every port of a host, so the name has the port.
	cookiePrefix = "tokentoss-proxy-"

	// ownPath begins the paths that are the proxy's own.
	ownPath = "/~tokentoss/"

	// openPath is followed by the code of a link for a browser.
	openPath = ownPath + "open/"

	minSecret     = 20
	secretLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// An authenticator knows who may use the proxy. What it takes for a proof, from any
// place, it takes off everything that goes on to a service or into the log.
type authenticator struct {
	secret string // empty: everybody may
	coded  string // the credentials that most tools make of it for basic authentication
	path   string // the first segment of a path, with its slash
	cookie string // name and value
	traces traces // of the secret

	mu    sync.Mutex
	links map[string]string // by code: the origin that it is for
}

// A proof is how a request shows that it may use the proxy.
type proof int

const (
	proofNone   proof = iota
	proofCookie       // a browser adds it by itself
	proofSecret       // somebody who knows the secret put it there
)

// newAuthenticator makes what a proxy is opened with. port tells the cookies of proxies
// apart.
func newAuthenticator(secret, port string) *authenticator {
	a := &authenticator{secret: secret, links: make(map[string]string)}
	if secret != "" {
		a.coded = base64.StdEncoding.EncodeToString([]byte(user + ":" + secret))
		a.path = "/~" + secret
		// Not the secret itself: browsers show cookies to every port of the host.
		a.cookie = cookiePrefix + port + "=" + rand.Text()
		a.traces = newTraces(a.path, a.coded)
	}
	return a
}

// authenticate finds the proof in a request. base is the part of its path that is the
// proof, if that is it.
func (a *authenticator) authenticate(h http.Header, path string) (base string, by proof) {
	if a.secret == "" {
		return "", proofSecret
	}
	if strings.HasPrefix(path, "/~") {
		segment := path
		if end := strings.IndexByte(path[1:], '/'); end >= 0 {
			segment = path[:end+1]
		}
		if loopback.SameKey(segment, a.path) {
			return segment, proofSecret
		}
	}
	if slices.ContainsFunc(h[secretHeader], func(v string) bool { return loopback.SameKey(v, a.secret) }) ||
		slices.ContainsFunc(h["Authorization"], a.isBasic) || slices.ContainsFunc(h["Proxy-Authorization"], a.isBasic) {
		return "", proofSecret
	}
	for _, line := range h["Cookie"] {
		for part := range strings.SplitSeq(line, ";") {
			if loopback.SameKey(strings.TrimSpace(part), a.cookie) {
				return "", proofCookie
			}
		}
	}
	return "", proofNone
}

// isBasic tells whether credentials are the secret, for any user.
func (a *authenticator) isBasic(v string) bool {
	scheme, coded, _ := strings.Cut(v, " ")
	if !strings.EqualFold(scheme, "Basic") || len(coded) > 1024 {
		return false
	}
	coded = strings.TrimSpace(coded)
	if loopback.SameKey(coded, a.coded) {
		return true
	}
	text, err := base64.StdEncoding.DecodeString(coded)
	if err != nil {
		return false
	}
	_, password, _ := strings.Cut(string(text), ":")
	return loopback.SameKey(password, a.secret)
}

// strip takes everything that is the proxy's own off headers, or trailers, that go on.
func (a *authenticator) strip(h http.Header) {
	delete(h, secretHeader)
	if lines, ok := h["Cookie"]; ok {
		set(h, "Cookie", a.withoutOwn(lines))
	}
	if a.secret == "" {
		return
	}
	for name, values := range h {
		switch {
		case a.traces.in(name):
			delete(h, name)
		case slices.ContainsFunc(values, a.traces.in):
			set(h, name, slices.DeleteFunc(values, a.traces.in))
		}
	}
}

// set replaces the values of a header; without any, it goes.
func set(h http.Header, name string, values []string) {
	if len(values) == 0 {
		delete(h, name)
	} else {
		h[name] = values
	}
}

// withoutOwn takes the cookies of this and other proxies off, and those that have the
// secret. What it returns may be lines itself.
func (a *authenticator) withoutOwn(lines []string) []string {
	if all := strings.Join(lines, ";"); !strings.Contains(all, cookiePrefix) && !a.traces.in(all) {
		return lines
	}
	var kept []string
	for _, line := range lines {
		var parts []string
		for part := range strings.SplitSeq(line, ";") {
			if part = strings.TrimSpace(part); part != "" && !strings.HasPrefix(part, cookiePrefix) && !a.traces.in(part) {
				parts = append(parts, part)
			}
		}
		if len(parts) > 0 {
			kept = append(kept, strings.Join(parts, "; "))
		}
	}
	return kept
}

// link returns a path that gives one browser the cookie, once.
func (a *authenticator) link(origin string) string {
	code := rand.Text()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.links[code] = origin
	return openPath + code
}

// use spends the code of a link.
func (a *authenticator) use(code, origin string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.links[code] != origin {
		return false
	}
	delete(a.links, code)
	return true
}
