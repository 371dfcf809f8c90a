package iap

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// An origin is what must be equal for the token to be sent (RFC 6454 section 4):
// lower-case scheme and host without a final dot, and the port, also when it is
// the default one.
type origin struct {
	scheme, host, port string
}

// String gives the usual form, without a default port.
func (o origin) String() string {
	host := o.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.port != "" && o.port != defaultPort(o.scheme) {
		host += ":" + o.port
	}
	return o.scheme + "://" + host
}

// originOf finds the origin that a request with this scheme and host:port would
// reach. It gives false for a host that is not ASCII: net/http would map such a
// host to another one, and which one is not for this package to guess. It does
// not allocate when all is in lower case already.
func originOf(scheme, hostport string) (origin, bool) {
	u := url.URL{Host: hostport}
	scheme, ok := lower(scheme)
	if !ok {
		return origin{}, false
	}
	host, ok := lower(u.Hostname())
	if !ok {
		return origin{}, false
	}
	port := u.Port()
	if port == "" {
		port = defaultPort(scheme)
	}
	return origin{scheme, strings.TrimSuffix(host, "."), port}, true
}

// lower is strings.ToLower for ASCII. It gives false for anything else, since
// Unicode has letters whose lower case is ASCII: the Kelvin sign becomes a k.
func lower(s string) (string, bool) {
	upper := false
	for i := range len(s) {
		if s[i] >= 0x80 {
			return "", false
		}
		upper = upper || 'A' <= s[i] && s[i] <= 'Z'
	}
	if upper {
		return strings.ToLower(s), true
	}
	return s, true
}

func defaultPort(scheme string) string {
	switch scheme {
	case "https":
		return "443"
	case "http":
		return "80"
	}
	return ""
}

// parseOrigin reads an entry of [Options.Origins]. Errors show no more of the
// entry than its origin, since a URL may hold a password.
func parseOrigin(s string, insecureLoopback bool) (origin, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return origin{}, fmt.Errorf("it is not a URL with a scheme and a host, like https://app.example.com")
	}
	if u.User != nil {
		return origin{}, fmt.Errorf("it has a user name or password: leave that out")
	}
	o, ok := originOf(u.Scheme, u.Host)
	if !ok {
		return origin{}, fmt.Errorf("its host %+q is not ASCII: write it in its xn-- form", u.Hostname())
	}
	if err := checkHost(o); err != nil {
		return origin{}, err
	}
	switch {
	case o.scheme == "https":
		return o, nil
	case o.scheme != "http":
		return origin{}, fmt.Errorf("%s is not https", o)
	case !insecureLoopback:
		return origin{}, fmt.Errorf("%s is not https: anybody on the way could read the token", o)
	case !isLoopback(o.host):
		return origin{}, fmt.Errorf("%s is not https, and plain http is possible on loopback only", o)
	}
	return o, nil
}

// Allows tells whether a [Transport] with these options would send the token to u.
// It is for programs that give the token to another one, which sends it.
func (opts Options) Allows(u *url.URL) (bool, error) {
	to, ok := originOf(u.Scheme, u.Host)
	ok = ok && u.User == nil && u.Opaque == ""
	allowed := false
	for i, s := range opts.Origins {
		o, err := parseOrigin(s, opts.InsecureLoopback)
		if err != nil {
			return false, fmt.Errorf("iap: origin %d: %w", i+1, err)
		}
		allowed = allowed || ok && o == to
	}
	return allowed, nil
}

// checkHost refuses hosts that could never match, such as wildcards.
func checkHost(o origin) error {
	for _, c := range []byte(o.host) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte("-._:", c) >= 0:
		case c == '*':
			return fmt.Errorf("%s is a pattern: name each origin", o)
		default:
			return fmt.Errorf("its host %+q has a character that a host name cannot have", o.host)
		}
	}
	if o.host == "" {
		return fmt.Errorf("it has no host")
	}
	if strings.HasPrefix(o.host, ".") || strings.Contains(o.host, "..") {
		return fmt.Errorf("its host %q has an empty part between two dots", o.host)
	}
	n, err := strconv.ParseUint(o.port, 10, 16)
	if o.port != "" && (err != nil || n == 0 || o.port[0] == '0') {
		return fmt.Errorf("%s has no usable port", o)
	}
	return nil
}

// isLoopback tells whether host never leaves this machine.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// target finds the origin of a request's URL and whether the token may go
// there. The error is for URLs whose parts disagree about where that is.
func (t *Transport) target(u *url.URL, hostHeader string) (origin, bool, error) {
	if u.User != nil {
		return origin{}, false, &OriginError{Origin: printable(u), Reason: "its URL has a user name or password"}
	}
	// An opaque "//other/path" becomes a request line that names another host
	// than the one that is connected to.
	if u.Opaque != "" && (u.Opaque[0] != '/' || strings.HasPrefix(u.Opaque, "//")) {
		return origin{}, false, &OriginError{Origin: printable(u), Reason: "its URL is opaque"}
	}
	o, listed := t.listed(u.Scheme, u.Host)
	if !listed || hostHeader == "" || hostHeader == u.Host {
		return o, listed, nil
	}
	// Front ends that serve many hosts choose by the Host header, not by the
	// address that was connected to: it must be a listed origin as well.
	_, listed = t.listed(u.Scheme, hostHeader)
	return o, listed, nil
}

// listed finds the origin of a scheme and host:port in the list. Nearly all URLs
// are written as origins usually are, which needs no parsing.
func (t *Transport) listed(scheme, hostport string) (origin, bool) {
	if o, ok := t.usual[written{scheme, hostport}]; ok {
		return o, true
	}
	o, ok := originOf(scheme, hostport)
	if ok {
		_, ok = t.origins[o]
	}
	return o, ok
}

// written is the beginning of a URL, as it stands there.
type written struct{ scheme, hostport string }

// usually is how an origin is written when nothing is left to choice.
func (o origin) usually() written {
	return written{o.scheme, strings.TrimPrefix(o.String(), o.scheme+"://")}
}

// printable gives the origin of any URL for an error: ASCII, without userinfo.
func printable(u *url.URL) string {
	if o, ok := originOf(u.Scheme, u.Host); ok && checkHost(o) == nil {
		return o.String()
	}
	q := strconv.QuoteToASCII(u.Scheme + "://" + u.Host[strings.LastIndexByte(u.Host, '@')+1:])
	return q[1 : len(q)-1]
}
