package loopback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins"
)

// An Address says where to listen.
type Address struct {
	// Text is HOST:PORT, with localhost or an IP address as the host. Empty is
	// localhost and a port that is free. Sockets that were opened by somebody else are
	// what [Given] returns.
	Text string

	// Names tells that the server has names below localhost, such as app.localhost.
	// Both loopback addresses are listened on then, whichever Text has.
	Names bool

	// Expose allows an address that other machines reach.
	Expose bool

	// Unix allows unix:PATH, a socket of mode 0600.
	Unix bool
}

// ErrReachable is that other machines would reach an address, and must not.
var ErrReachable = errors.New("other machines reach this address, and requests pass in clear text: use localhost, and let ssh -L forward the port from elsewhere")

// cannotListen explains err.
func cannotListen(host, port string, err error) *fault.Error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err // without the address, which is said already
	}
	hint := "choose another address; without one, a free port is taken"
	switch n, _ := strconv.Atoi(port); {
	case isInUse(err):
		hint = "another program has port " + port + ": end it, or choose another port"
	case isDenied(err) && n > 0 && n < 1024:
		hint = "this system keeps the ports below 1024 for privileged programs: choose a higher one"
	case isDenied(err):
		hint = "the system does not allow this port: choose another one"
	case isAbsent(err):
		hint = "this machine does not have that address: use localhost:" + port
	}
	return &fault.Error{Op: "listen on", Subject: net.JoinHostPort(host, port), Kind: fault.AddressInUse, Err: err, Remedy: fault.Say("%s", hint)}
}

// Listeners are where a server is reached, and by which names.
//
// A name is among them only if nobody else can listen where it leads: if each address
// that it stands for is listened on, or does not exist on this machine. Whoever listens
// on the other loopback address would else get what a browser sends to localhost.
type Listeners struct {
	Socket string // the path of a Unix socket, or ""
	Port   string // "" on a Unix socket

	all       []net.Listener
	ips       []netip.Addr // those listened on
	localhost bool         // the name is held
}

// localhost are the addresses of that name, and of all below it (RFC 6761 section 6.3).
var localhost = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}

// Listen listens on an address. It never takes another port than it was told.
func Listen(ctx context.Context, a Address) (*Listeners, error) {
	if path, ok := strings.CutPrefix(a.Text, "unix:"); ok && a.Unix {
		return listenUnix(path)
	}
	if descriptors, ok := strings.CutPrefix(a.Text, givenPrefix); ok {
		return listenGiven(ctx, descriptors, a)
	}
	host, port, err := net.SplitHostPort(cmp.Or(a.Text, "localhost:0"))
	if err != nil {
		return nil, badAddress("listen is HOST:PORT, such as localhost:8080")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return nil, badAddress("listen: %q is not a port", port)
	}
	if strings.EqualFold(host, "localhost") {
		return bind(ctx, "localhost", localhost, port)
	}
	ip := netip.IPv6Unspecified()
	if host != "" {
		if ip, err = netip.ParseAddr(host); err != nil {
			return nil, badAddress("listen: %q is neither localhost nor an IP address", host)
		}
	}
	if ip = ip.Unmap(); !ip.IsLoopback() && !a.Expose {
		return nil, badAddress("listen on %s: %w", a.Text, ErrReachable)
	}
	ips := []netip.Addr{ip}
	if a.Names && !ip.IsUnspecified() {
		others := slices.DeleteFunc(slices.Clone(localhost), func(other netip.Addr) bool { return other == ip })
		ips = append(ips, others...)
	}
	return bind(ctx, ip.String(), ips, port)
}

func badAddress(format string, args ...any) error {
	return &fault.Error{Kind: fault.BadConfig, Err: fmt.Errorf("%w: "+format, append([]any{plugins.ErrBadConfig}, args...)...), Remedy: fault.CorrectSetting.On("listen")}
}

// portTries is how often a free port is looked for that is free on every address.
const portTries = 16

// bind listens on each of ips that this machine has. host is how the caller named them.
func bind(ctx context.Context, host string, ips []netip.Addr, port string) (*Listeners, error) {
	for try := 1; ; try++ {
		ls, err := bindOnce(ctx, host, ips, port)
		if err == nil {
			return ls, nil
		}
		if port != "0" || try == portTries || !isInUse(err) {
			return nil, err
		}
	}
}

func bindOnce(ctx context.Context, host string, ips []netip.Addr, port string) (*Listeners, error) {
	ls := &Listeners{Port: port}
	elsewhere := []netip.Addr{} // addresses that this machine does not have
	var first *fault.Error
	for _, ip := range ips {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(ip.String(), ls.Port))
		if err == nil {
			ls.all, ls.ips = append(ls.all, l), append(ls.ips, ip)
			if ip.IsUnspecified() { // of which Go makes both families
				ls.ips = append(ls.ips, netip.IPv4Unspecified(), netip.IPv6Unspecified())
			}
			ls.Port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
			continue
		}
		e := cannotListen(ip.String(), ls.Port, err)
		// A sandbox may keep this process from one family and not the others.
		if !isAbsent(err) && !isForbiddenFamily(err) || ip.String() == host {
			ls.Close()
			return nil, e
		}
		if isAbsent(err) {
			elsewhere = append(elsewhere, ip)
		}
		first = cmp.Or(first, e)
	}
	if len(ls.all) == 0 {
		first.Remedy = fault.Say("this machine has no loopback address: bring up its loopback interface")
		return nil, first
	}
	ls.localhost = !slices.ContainsFunc(localhost, func(ip netip.Addr) bool {
		return !slices.Contains(elsewhere, ip) && !ls.holds(ip)
	})
	return ls, nil
}

// holds tells whether an address is listened on.
func (ls *Listeners) holds(ip netip.Addr) bool {
	ip = ip.Unmap()
	return slices.ContainsFunc(ls.ips, func(own netip.Addr) bool {
		return own == ip || own.IsUnspecified() && own.Is4() == ip.Is4()
	})
}

// All returns them, for a server other than [Server].
func (ls *Listeners) All() []net.Listener { return ls.all }

// Close closes the listeners.
func (ls *Listeners) Close() {
	for _, l := range ls.all {
		_ = l.Close()
	}
}

// Hosts returns what the Host header of a request may be. The first one is for showing.
func (ls *Listeners) Hosts() []string {
	if ls.Socket != "" {
		return []string{"localhost"}
	}
	var names []string
	for _, ip := range slices.Concat(ls.ips, localhost) {
		if name := urlHost(ip); !ip.IsUnspecified() && ls.holds(ip) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if ls.localhost {
		names = append(names, "localhost")
	}
	return ls.WithPort(names...)
}

// WithPort returns hosts as the Host header has them. The usual port of http may be left
// out there; the name without it is the first then.
func (ls *Listeners) WithPort(hosts ...string) []string {
	var with []string
	for _, host := range hosts {
		host = strings.ToLower(host)
		if ls.Port == "80" || ls.Port == "" {
			with = append(with, host)
		}
		if ls.Port != "" {
			with = append(with, host+":"+ls.Port)
		}
	}
	return with
}

// Localhost tells whether localhost, and names below it, lead here and nowhere else.
func (ls *Listeners) Localhost() bool { return ls.localhost || ls.Socket != "" }

// Holds tells whether all that a name stands for is listened on, as this machine
// resolves it.
func (ls *Listeners) Holds(ctx context.Context, name string) bool {
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	return err == nil && len(ips) > 0 && !slices.ContainsFunc(ips, func(ip netip.Addr) bool { return !ls.holds(ip) })
}

func urlHost(ip netip.Addr) string {
	if ip.Is6() {
		return "[" + ip.String() + "]"
	}
	return ip.String()
}
