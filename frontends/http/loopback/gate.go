package loopback

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// NewKey returns a key, of at least 128 bits.
func NewKey() string { return rand.Text() }

// SameKey compares keys in constant time.
func SameKey(got, want string) bool {
	return want != "" && subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// A Refusal is why a request is not let in.
type Refusal struct {
	Status int
	Reason string
}

// A Gate lets requests through that are for this server and from its own pages, or from
// programs that are not browsers.
type Gate struct {
	// Hosts are what the Host header may be.
	Hosts []string

	// Follow tells whether a person may follow a link of another site to here with the
	// request, which is a navigation of the whole page. nil: never.
	Follow func(r *http.Request) bool

	// Shows tells whether the request has a secret that no page of a browser can add
	// to it. Such a request may come from a page of another server on this machine: a
	// development server forwards what its own pages ask.
	Shows func(r *http.Request) bool
}

// Check returns why r is refused, or nil.
func (g *Gate) Check(r *http.Request) *Refusal {
	own := g.own(r.Host)
	switch {
	case own == "" || r.URL.IsAbs() && g.own(r.URL.Host) == "" || r.Method == http.MethodConnect:
		return &Refusal{http.StatusMisdirectedRequest, fmt.Sprintf("this server is %s and answers to no other name; a forwarded port must have the same number", g.Hosts[0])}
	case g.foreignOrigin(r, "http://"+own), foreignSite(r.Header) && !g.followed(r):
		return &Refusal{http.StatusForbidden, "this request comes from another site's page"}
	}
	return nil
}

// Handler checks the requests for next. refuse answers the others.
func (g *Gate) Handler(next http.Handler, refuse func(w http.ResponseWriter, r *http.Request, status int, reason string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if no := g.Check(r); no != nil {
			refuse(w, r, no.Status, no.Reason)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// own returns the host as it is among the server's own, or "".
func (g *Gate) own(host string) string {
	if slices.Contains(g.Hosts, host) {
		return host
	}
	for _, own := range g.Hosts {
		if strings.EqualFold(host, own) {
			return own
		}
	}
	return ""
}

// foreignOrigin tells whether a page of another origin made the request: of this host
// with another port, too.
func (g *Gate) foreignOrigin(r *http.Request, own string) bool {
	origins := r.Header["Origin"]
	for _, origin := range origins {
		if !strings.EqualFold(origin, own) && !(len(origins) == 1 && isHere(origin) && g.Shows != nil && g.Shows(r)) {
			return true
		}
	}
	return false
}

// isHere tells whether an origin is a server on this machine.
func isHere(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	name := strings.ToLower(u.Hostname())
	ip, err := netip.ParseAddr(name)
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || err == nil && ip.IsLoopback()
}

// foreignSite is the same by what browsers say of requests that have no Origin, such as
// a link or an image (https://www.w3.org/TR/fetch-metadata/). Other clients than
// browsers say nothing.
func foreignSite(h http.Header) bool {
	return slices.ContainsFunc(h["Sec-Fetch-Site"], func(v string) bool { return v != "" && v != "same-origin" && v != "none" })
}

// followed tells whether a person follows a link that may come from another site.
func (g *Gate) followed(r *http.Request) bool {
	return g.Follow != nil && g.Follow(r) && r.Method == http.MethodGet &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// IsBrowser goes by headers that all browsers send and pages cannot. The fetch of Node
// has the mode alone.
func IsBrowser(h http.Header) bool {
	return len(h["Sec-Fetch-Site"]) > 0 || len(h["Sec-Fetch-Dest"]) > 0
}
