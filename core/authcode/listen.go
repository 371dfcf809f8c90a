package authcode

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// callbackPath is where a desktop client's redirects go; any path will do
// (RFC 8252 section 7.3).
const callbackPath = "/callback"

// A listener is the socket that the redirect will come to. It is bound before
// the URL is shown, and never given up for another.
type listener struct {
	net.Listener
	redirectURI string
	path        string
}

// loopbacks are the literals that redirects may name. The name localhost is not
// among them: it may resolve to another interface (RFC 8252 section 8.3).
var loopbacks = []string{"127.0.0.1", "::1"}

// listen binds a loopback address for c.
func listen(c *oidc.Client, port int) (*listener, error) {
	if c.Web {
		return listenWeb(c, port)
	}
	var first error
	for _, host := range loopbacks {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			return &listener{Listener: l, redirectURI: "http://" + l.Addr().String() + callbackPath, path: callbackPath}, nil
		}
		if first == nil {
			first = err
		}
		if addressInUse(err) {
			break // only a machine without 127.0.0.1 needs the other
		}
	}
	return nil, portError(port, first)
}

// listenWeb binds the address of a redirect URI that is registered for c: for a
// client of the type web the provider compares the whole URI.
func listenWeb(c *oidc.Client, port int) (*listener, error) {
	for _, uri := range c.RedirectURIs {
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "http" || !slices.Contains(loopbacks, u.Hostname()) || u.RawQuery != "" {
			continue
		}
		if u.Port() == "" || port != 0 && u.Port() != strconv.Itoa(port) {
			continue
		}
		l, err := net.Listen("tcp", u.Host)
		if err != nil {
			n, _ := strconv.Atoi(u.Port())
			return nil, portError(n, err)
		}
		path := u.Path
		if path == "" {
			path = "/"
		}
		return &listener{Listener: l, redirectURI: uri, path: path}, nil
	}
	return nil, errors.New("this OAuth client is of the type web and has no redirect URI such as http://127.0.0.1:8765/callback: " +
		"register one, or create a client of the type Desktop app")
}

// A PortError is a loopback port that cannot be listened on.
type PortError struct {
	Port int
	Err  error
}

func (e *PortError) Error() string {
	return fmt.Sprintf("cannot listen on loopback port %d for the redirect: %v", e.Port, e.Err)
}

// Unwrap returns the kind and what the system said.
func (e *PortError) Unwrap() []error { return []error{fault.AddressInUse, e.Err} }

func portError(port int, err error) error {
	if port == 0 {
		return fmt.Errorf("cannot listen on a loopback address for the redirect: %w", err)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return &PortError{Port: port, Err: err}
}
