package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokentoss/tokentoss/core/fault"
)

const (
	// Scope is what the access token needs.
	Scope = "https://www.googleapis.com/auth/cloud-platform"

	// Relay is where Google's relay is.
	Relay = "wss://tunnel.cloudproxy.app"

	subprotocol = "relay.tunnel.cloudproxy.app"

	// The relay admits no other.
	origin = "bot:iap-tunneler"

	// connectTimeout is how long a connect may take whose ctx has no end: a closed
	// port may hang rather than fail. It is gcloud's.
	connectTimeout = time.Minute
)

// A Dialer opens connections through IAP to what it names. Either Project, Zone and,
// in the address, an instance; or Project, Region, Network and, in the address, a host
// of that network. It is safe for concurrent use, and must not be changed after its
// first use.
type Dialer struct {
	// TokenSource gives access tokens with [Scope]. It is asked for each WebSocket,
	// by many goroutines at once.
	TokenSource oauth2.TokenSource

	Project string

	// Zone is that of the instance, such as europe-west1-b, and Interface the name of
	// its network interface, nic0 when empty.
	Zone      string
	Interface string

	// Region and Network are those of a host that is named by its address. Group is
	// its destination group, if it has one.
	Region  string
	Network string
	Group   string

	// ReconnectTimeout is how long a broken connection is tried to be resumed; 0 means
	// 15 minutes, as gcloud does, and less than 0 not at all.
	ReconnectTimeout time.Duration

	// Relay is the relay, [Relay] when empty. InsecureLoopback allows one on this
	// machine without TLS, for an emulator.
	Relay            string
	InsecureLoopback bool

	// HTTPClient makes the requests that become WebSockets, [http.DefaultClient]'s
	// transport when nil. It must not follow redirects with a token; the dialer refuses
	// them.
	HTTPClient *http.Client

	// UserAgent is what the relay's logs show, "tokentoss" when empty.
	UserAgent string
}

// badOption is a setting of a Dialer, or an address, that cannot be used.
func badOption(name, format string, args ...any) error {
	return &fault.Error{Subject: "tunnel", Problem: name + ": " + fmt.Sprintf(format, args...), Kind: fault.BadConfig, Remedy: fault.CorrectSetting.On(name)}
}

// DialContext connects to address, which is INSTANCE:PORT, or HOST:PORT where the
// Dialer has a Network. The network must be "tcp", "tcp4" or "tcp6". ctx bounds the
// connecting, not the connection.
//
// It returns a [*CloseError] where the relay said no, and the TokenSource's own errors.
// Others are of package fault's kinds: BadConfig for what cannot be dialed, Offline where
// the relay cannot be reached, ProviderAnswer where it is not a relay.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if !strings.HasPrefix(network, "tcp") {
		return nil, badOption("network", "%q cannot be forwarded, only TCP", network)
	}
	t, err := d.target(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return dial(ctx, t)
}

// Dial is [Dialer.DialContext] without a context.
func (d *Dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// A target is what a connection goes to.
type target struct {
	dialer  *Dialer
	host    string
	port    string
	connect *url.URL
}

// target checks the options and the address.
func (d *Dialer) target(address string) (*target, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, badOption("address", "%q is not NAME:PORT", address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return nil, badOption("port", "%q is not a number from 1 to 65535", port)
	}
	q := url.Values{"project": {d.Project}, "port": {port}, "newWebsocket": {"True"}}
	required := map[string]string{"project": d.Project}
	if d.Network != "" || d.Region != "" {
		required["region"], required["network"], required["host"] = d.Region, d.Network, host
		q.Set("region", d.Region)
		q.Set("network", d.Network)
		q.Set("host", host)
		if d.Group != "" {
			q.Set("group", d.Group)
		}
		if d.Zone != "" {
			return nil, badOption("zone", "an instance has a zone, a host of a network a region: give one of them")
		}
	} else {
		nic := d.Interface
		if nic == "" {
			nic = "nic0"
		}
		required["zone"], required["instance"] = d.Zone, host
		q.Set("zone", d.Zone)
		q.Set("instance", host)
		q.Set("interface", nic)
	}
	for name, value := range required {
		if value == "" {
			return nil, badOption(name, "it is needed and not set")
		}
	}
	if d.TokenSource == nil {
		return nil, badOption("token source", "it is needed and not set")
	}
	relay, err := d.relay()
	if err != nil {
		return nil, err
	}
	relay.Path, relay.RawQuery = strings.TrimSuffix(relay.Path, "/")+"/v4/connect", q.Encode()
	return &target{dialer: d, host: host, port: port, connect: relay}, nil
}

// relay returns the relay's URL, with a scheme of HTTP, which is what a WebSocket
// begins as.
func (d *Dialer) relay() (*url.URL, error) {
	raw := d.Relay
	if raw == "" {
		raw = Relay
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, badOption("relay", "it is not the URL of a relay, such as %s", Relay)
	}
	switch u.Scheme {
	case "wss", "https":
		u.Scheme = "https"
		return u, nil
	case "ws", "http":
		addr, err := netip.ParseAddr(u.Hostname())
		if d.InsecureLoopback && err == nil && addr.IsLoopback() {
			u.Scheme = "http"
			return u, nil
		}
	}
	return nil, badOption("relay", "%s must be spoken to with TLS", u.Redacted())
}

// reconnect is the URL that resumes a session from the byte after received.
func (t *target) reconnect(session string, received uint64) *url.URL {
	u := *t.connect
	u.Path = strings.TrimSuffix(u.Path, "connect") + "reconnect"
	q := url.Values{"sid": {session}, "ack": {strconv.FormatUint(received, 10)}, "newWebsocket": {"True"}}
	if t.dialer.Zone != "" {
		q.Set("zone", t.dialer.Zone)
	} else {
		q.Set("region", t.dialer.Region)
	}
	u.RawQuery = q.Encode()
	return &u
}

func (t *target) String() string { return "port " + t.port + " of " + t.host }

// client returns an HTTP client that follows no redirect: the token is for the relay
// alone.
func (d *Dialer) client() *http.Client {
	c := http.Client{}
	if d.HTTPClient != nil {
		c = *d.HTTPClient
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return errRedirected }
	return &c
}

var errRedirected = errors.New("the relay answered with a redirect")
