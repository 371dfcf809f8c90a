package emulator

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Instance is what the relay of IAP's TCP forwarding connects to: a virtual machine,
// by Project, Zone and Name, or a host of a network, by Project, Region, Network and
// Host.
type Instance struct {
	Project string // the emulator's own when empty
	Zone    string
	Name    string
	// Interface is the name of the network interface, "nic0" when empty.
	Interface string

	Region, Network, Host string

	// Ports are the ports on which something listens, and where on this machine that
	// is, as host:port. Another port refuses connections.
	Ports map[int]string
	// Dropped are ports that a firewall drops connections to: nothing answers at all.
	Dropped []int
}

// RelayFault is how the relay misbehaves to the connections to come, and to those that
// stand at their next frame. The zero value is none.
type RelayFault struct {
	// DropAfter cuts a WebSocket when that many bytes of data went over it, both ways
	// together, without a word of the protocol.
	DropAfter int64
	// Delay is waited before each frame to the client.
	Delay time.Duration
	// RepeatAcks sends each acknowledgement twice, and AddToAcks has them confirm more
	// than came, or less.
	RepeatAcks bool
	AddToAcks  int64
	// Message is sent before the first frame, or in its place where Only is set.
	Message []byte
	Only    bool
	// Close ends every WebSocket with this code once it stands, and Reconnect those
	// that resume a session.
	Close, Reconnect int
	Reason           string
	// Status is the HTTP answer in place of a WebSocket.
	Status int
}

// Tags of the relay protocol, version 4.
const (
	relayConnected   = 1
	relayReconnected = 2
	relayData        = 4
	relayAck         = 7
)

const (
	relaySubprotocol = "relay.tunnel.cloudproxy.app"
	relayOrigin      = "bot:iap-tunneler"
	relayMaxData     = 16 << 10
	// relayWindow is how much the relay keeps that the client has not acknowledged.
	relayWindow = 1 << 20
	relayAckAt  = 2 * relayMaxData
)

// Codes with which the relay ends a WebSocket.
const (
	relaySessionUnknown = 4001
	relayConnectFailed  = 4003
	relayBadAck         = 4005
	relayInvalidTag     = 4008
	relayReadFailed     = 4010
	relayInvalidData    = 4013
	relayNotAuthorized  = 4033
	relayLookupFailed   = 4047
	relayRewindFailed   = 4074
)

// relays are the connections of the relay that can be resumed.
type relays struct {
	mu       sync.Mutex
	fault    RelayFault
	sessions map[string]*relaySession
	resumed  int
	reading  sync.WaitGroup
}

// SetRelayFault makes the relay misbehave; the zero value heals it.
func (e *Emulator) SetRelayFault(f RelayFault) {
	e.relays.mu.Lock()
	defer e.relays.mu.Unlock()
	e.relays.fault = f
}

func (e *Emulator) relayFault() RelayFault {
	e.relays.mu.Lock()
	defer e.relays.mu.Unlock()
	return e.relays.fault
}

// RelayResumptions returns how many times a broken connection was resumed.
func (e *Emulator) RelayResumptions() int {
	e.relays.mu.Lock()
	defer e.relays.mu.Unlock()
	return e.relays.resumed
}

// RelayURL is where the relay is: what the tunnel's clients have in place of
// wss://tunnel.cloudproxy.app.
func (e *Emulator) RelayURL() string { return "ws" + e.google.url[len("http"):] }

func (o *Options) fillInstances() {
	o.Instances = slices.Clone(o.Instances)
	for i := range o.Instances {
		in := &o.Instances[i]
		in.Project = cmp.Or(in.Project, projectID)
		in.Interface = cmp.Or(in.Interface, "nic0")
	}
}

// instance finds what a connect asks for.
func (e *Emulator) instance(q map[string][]string) (Instance, bool) {
	get := func(name string) string {
		if v := q[name]; len(v) == 1 {
			return v[0]
		}
		return ""
	}
	i := slices.IndexFunc(e.opts.Instances, func(in Instance) bool {
		if in.Project != get("project") {
			return false
		}
		if in.Host != "" {
			return in.Host == get("host") && in.Network == get("network") && in.Region == get("region") && get("instance") == "" && get("zone") == ""
		}
		return in.Name == get("instance") && in.Zone == get("zone") && in.Interface == get("interface") && get("host") == ""
	})
	if i < 0 {
		return Instance{}, false
	}
	return e.opts.Instances[i], true
}

// serveRelay upgrades a connect or a reconnect, and carries it.
func (e *Emulator) serveRelay(w http.ResponseWriter, r *http.Request) {
	fault := e.relayFault()
	token, _ := bearer(r.Header.Get("Authorization"))
	g, ok := e.grants.byAccessToken(token, e.now())
	switch {
	case fault.Status != 0:
		http.Error(w, http.StatusText(fault.Status), fault.Status)
		return
	case r.Header.Get("Origin") != relayOrigin:
		http.Error(w, "The origin is not one of the relay's clients.", http.StatusForbidden)
		return
	case !ok:
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "Request had invalid authentication credentials.", http.StatusUnauthorized)
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{relaySubprotocol}, InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = ws.CloseNow() }()
	ws.SetReadLimit(relayMaxData + 64)
	l := &relayLink{e: e, ws: ws, fault: fault}
	allowed := setting(e, func(s *settings) []string { return s.tunnelUsers })
	admitted := allowed == nil || slices.ContainsFunc(allowed, func(a string) bool { return sameEmail(a, g.account.Email) })
	resumes := r.URL.Path == pathRelayReconnect
	switch {
	case ws.Subprotocol() != relaySubprotocol:
		l.close(int(websocket.StatusPolicyViolation), "subprotocol")
	case fault.Close != 0:
		l.close(fault.Close, fault.Reason)
	case resumes && fault.Reconnect != 0:
		l.close(fault.Reconnect, fault.Reason)
	case !slices.Contains(g.scopes, scopeCloud), !admitted:
		l.close(relayNotAuthorized, "Not authorized")
	case resumes:
		l.resume(r.Context(), r.URL.Query().Get("sid"), r.URL.Query().Get("ack"))
	default:
		l.connect(r)
	}
}

// A relayLink is one WebSocket.
type relayLink struct {
	e       *Emulator
	ws      *websocket.Conn
	fault   RelayFault
	carried int64 // bytes of data; the session's lock protects it
}

func (l *relayLink) close(code int, reason string) {
	_ = l.ws.Close(websocket.StatusCode(code), reason)
}

func (l *relayLink) connect(r *http.Request) {
	q := r.URL.Query()
	in, ok := l.e.instance(q)
	if !ok {
		l.close(relayLookupFailed, "Lookup failed")
		return
	}
	port, _ := strconv.Atoi(q.Get("port"))
	if slices.Contains(in.Dropped, port) {
		<-l.ws.CloseRead(r.Context()).Done() // when the client leaves
		return
	}
	address, ok := in.Ports[port]
	if !ok {
		l.close(relayConnectFailed, "Failed to connect to backend")
		return
	}
	backend, err := new(net.Dialer).DialContext(r.Context(), "tcp", address)
	if err != nil {
		l.close(relayConnectFailed, "Failed to connect to backend")
		return
	}
	s := l.e.relays.add(backend)
	l.greet(relayConnected, func(b []byte) []byte {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s.id)))
		return append(b, s.id...)
	})
	s.carry(r.Context(), l)
}

func (l *relayLink) resume(ctx context.Context, id, ack string) {
	s := l.e.relays.find(id)
	if s == nil {
		l.close(relaySessionUnknown, "Session unknown")
		return
	}
	n, err := strconv.ParseUint(ack, 10, 64)
	received, ok := s.rewind(n)
	if err != nil || !ok {
		l.close(relayRewindFailed, "Failed to rewind")
		return
	}
	l.greet(relayReconnected, func(b []byte) []byte { return binary.BigEndian.AppendUint64(b, received) })
	s.carry(ctx, l)
}

// greet sends the first frame, and what a fault has in its stead.
func (l *relayLink) greet(tag uint16, body func([]byte) []byte) {
	ctx := context.Background()
	if l.fault.Message != nil {
		_ = l.ws.Write(ctx, websocket.MessageBinary, l.fault.Message)
		if l.fault.Only {
			return
		}
	}
	pause(ctx, l.fault.Delay)
	_ = l.ws.Write(ctx, websocket.MessageBinary, body(binary.BigEndian.AppendUint16(nil, tag)))
}

// count counts data, and tells whether the link is to be dropped.
func (l *relayLink) count(n int) (drop bool) {
	l.carried += int64(n)
	return l.fault.DropAfter > 0 && l.carried >= l.fault.DropAfter
}

var errRelayDropped = errors.New("dropped")
