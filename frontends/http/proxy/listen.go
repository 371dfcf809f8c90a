package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
)

// A ListenError is an address that cannot be listened on.
type ListenError struct {
	Address string
	Err     error
}

func (e *ListenError) Error() string {
	return fmt.Sprintf("proxy: cannot listen on %s: %v", e.Address, e.Err)
}

// Unwrap returns the kind and what the system said.
func (e *ListenError) Unwrap() []error { return []error{fault.AddressInUse, e.Err} }

// Hint says what to do next.
func (e *ListenError) Hint() string {
	return "end what listens there, or choose another address with listen; without it, a free port is taken"
}

// listenError leaves the address out of err, which has it already.
func listenError(address string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return &ListenError{address, err}
}

// A place is what is listened on.
type place struct {
	listeners []net.Listener
	hosts     []string // of requests for the proxy itself, with the port
	suffix    string   // the port with its colon, for the names of targets; "" on a Unix socket
	port      string
	socket    string // path of a Unix socket, or ""
}

func (pl *place) close() {
	for _, l := range pl.listeners {
		_ = l.Close()
	}
}

// listen opens the address that is configured.
func (p *Proxy) listen(ctx context.Context) (*place, error) {
	address := p.config.Listen
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		l, err := listenUnix(path)
		if err != nil {
			return nil, err
		}
		return &place{listeners: []net.Listener{l}, hosts: []string{"localhost"}, socket: path}, nil
	}
	if address == "" {
		address = "localhost:0"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, badConfig("listen wants HOST:PORT, such as 127.0.0.1:8080, or unix:/PATH")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return nil, badConfig("listen: %q is no port", port)
	}
	if strings.EqualFold(host, "localhost") {
		return p.listenLocalhost(ctx, port)
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "":
		ip = netip.IPv6Unspecified()
	case err != nil:
		return nil, badConfig("listen: %q is neither localhost nor an IP address", host)
	}
	if !ip.IsLoopback() && !p.config.Expose {
		return nil, badConfig("listen: other machines reach %s, where requests and the secret pass in clear text: use localhost, or set expose", address)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, listenError(address, err)
	}
	return p.placeOf(ip, l), nil
}

// placeOf names what requests may name.
func (p *Proxy) placeOf(ip netip.Addr, listeners ...net.Listener) *place {
	port := strconv.Itoa(listeners[0].Addr().(*net.TCPAddr).Port)
	pl := &place{listeners: listeners, port: port, suffix: ":" + port}
	if port == "80" {
		pl.suffix = ""
	}
	names := []string{ip.String(), "127.0.0.1", "localhost", "[::1]"}
	if ip.Is6() {
		names[0] = "[" + ip.String() + "]"
	}
	if ip.IsUnspecified() {
		names = names[1:]
	}
	for _, name := range append(names, p.config.Hosts...) {
		pl.hosts = append(pl.hosts, strings.ToLower(name)+pl.suffix)
	}
	return pl
}

// sameTries is how often a free port is looked for that is free in both families.
const sameTries = 16

// listenLocalhost listens on both loopback addresses: browsers take either for
// localhost, and the other one must not be somebody else's.
func (p *Proxy) listenLocalhost(ctx context.Context, port string) (*place, error) {
	ip4 := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	var config net.ListenConfig
	for try := 1; ; try++ {
		l4, err := config.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			return nil, listenError("127.0.0.1:"+port, err)
		}
		at := net.JoinHostPort("::1", strconv.Itoa(l4.Addr().(*net.TCPAddr).Port))
		l6, err := config.Listen(ctx, "tcp6", at)
		switch {
		case err == nil:
			return p.placeOf(ip4, l4, l6), nil
		case !addressInUse(err): // a machine without IPv6
			return p.placeOf(ip4, l4), nil
		}
		_ = l4.Close()
		if port != "0" || try == sameTries {
			return nil, listenError(at, err)
		}
	}
}

// listenUnix listens on a socket that is the user's alone. It is made in a directory
// of its own and then moved, so that nobody can connect before it has its mode. One
// that nobody listens on is replaced.
func listenUnix(path string) (net.Listener, error) {
	switch {
	case path == "":
		return nil, badConfig("listen wants a path after unix:")
	case runtime.GOOS == "windows":
		return nil, fmt.Errorf("proxy: listen: %w: a socket has no mode on Windows, and anybody could use it", errors.ErrUnsupported)
	}
	info, err := os.Lstat(path)
	if err == nil {
		if info.Mode().Type() != os.ModeSocket {
			return nil, &ListenError{path, errors.New("it is there, and no socket")}
		}
		c, err := net.Dial("unix", path)
		if err == nil {
			_ = c.Close()
			return nil, &ListenError{path, errors.New("another program listens there")}
		}
	}
	dir, err := os.MkdirTemp(dirOf(path), ".tokentoss-")
	if err != nil {
		return nil, &ListenError{path, err}
	}
	defer os.RemoveAll(dir)
	made := dir + string(os.PathSeparator) + "s"
	l, err := net.Listen("unix", made)
	if err != nil {
		return nil, listenError(path, err)
	}
	u := l.(*net.UnixListener)
	u.SetUnlinkOnClose(false)
	if err = os.Chmod(made, 0o600); err == nil {
		err = os.Rename(made, path)
	}
	if err != nil {
		_ = l.Close()
		return nil, &ListenError{path, err}
	}
	return &unixListener{u, path}, nil
}

// dirOf is the directory of a path, for MkdirTemp, to which "" is another one.
func dirOf(path string) string {
	if i := strings.LastIndexByte(path, os.PathSeparator); i > 0 {
		return path[:i]
	} else if i == 0 {
		return path[:1]
	}
	return "."
}

// A unixListener takes the socket away when it is closed.
type unixListener struct {
	*net.UnixListener
	path string
}

// Close implements [net.Listener].
func (l *unixListener) Close() error {
	err := l.UnixListener.Close()
	if err == nil {
		_ = os.Remove(l.path)
	}
	return err
}
