package loopback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins"
)

// givenPrefix begins an address that is sockets which somebody else has opened.
const givenPrefix = "fd:"

// Given is the [Address.Text] of sockets that listen already, and that this process has
// from its parent: their descriptors.
func Given(descriptors ...int) string {
	var list []string
	for _, fd := range descriptors {
		list = append(list, strconv.Itoa(fd))
	}
	return givenPrefix + strings.Join(list, ",")
}

// IsGiven tells whether an address is one of [Given].
func IsGiven(text string) bool { return strings.HasPrefix(text, givenPrefix) }

// listenGiven takes sockets that were opened by somebody else. What may be listened on is
// the same as for those that are opened here.
func listenGiven(ctx context.Context, descriptors string, a Address) (*Listeners, error) {
	ls := new(Listeners)
	for text := range strings.SplitSeq(descriptors, ",") {
		fd, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return nil, badAddress("listen: %q is no number of a socket", text)
		}
		if err = ls.take(int(fd), a); err != nil {
			ls.Close()
			return nil, err
		}
	}
	ls.localhost = ls.Socket == "" && !slices.ContainsFunc(localhost, func(ip netip.Addr) bool { return !ls.holds(ip) && exists(ctx, ip) })
	return ls, nil
}

// badSocket says what is wrong with a socket that was given.
func badSocket(remedy, format string, args ...any) error {
	return &fault.Error{
		Kind: fault.BadConfig, Err: fmt.Errorf("%w: the socket that was given to this program "+format, append([]any{plugins.ErrBadConfig}, args...)...),
		Remedy: fault.Say("%s", cmp.Or(remedy, "correct the unit of the socket")),
	}
}

// take adds the socket of a descriptor, which it closes: the listener has one of its own.
func (ls *Listeners) take(fd int, a Address) error {
	wide, err := checkListening(fd)
	if err != nil {
		return badSocket("give it ListenStream= and Accept=no", "%w", err)
	}
	f := os.NewFile(uintptr(fd), "socket")
	l, err := net.FileListener(f)
	_ = f.Close()
	if err != nil {
		return badSocket("", "cannot be used: %w", err)
	}
	ls.all = append(ls.all, l)
	switch at := l.Addr().(type) {
	case *net.TCPAddr:
		return ls.takeTCP(at.AddrPort(), wide, a)
	case *net.UnixAddr:
		return ls.takeUnix(at.Name, a)
	}
	return badSocket("", "is of the network %s: it wants TCP", l.Addr().Network())
}

func (ls *Listeners) takeTCP(at netip.AddrPort, wide bool, a Address) error {
	ip, port := at.Addr().WithZone("").Unmap(), strconv.Itoa(int(at.Port()))
	switch {
	case !ip.IsLoopback() && !a.Expose:
		return badSocket("listen on 127.0.0.1 or [::1]", "is at %s: %w", at, ErrReachable)
	case ls.Socket != "", ls.Port != "" && ls.Port != port:
		return badSocket("give each server sockets of one port, with a FileDescriptorName= of its own", "is at %s, and another one is elsewhere", at)
	}
	ls.Port, ls.ips = port, append(ls.ips, ip)
	if wide {
		ls.ips = append(ls.ips, netip.IPv4Unspecified())
	}
	return nil
}

// takeUnix takes a Unix socket as whoever opened it has set its mode and owner, unless
// everybody may use it: its mode is all that keeps others out.
func (ls *Listeners) takeUnix(path string, a Address) error {
	switch {
	case !a.Unix:
		return badSocket("listen on 127.0.0.1 or [::1]", "is a Unix socket, by which nobody can reach this server: it wants TCP")
	case ls.Socket != "" || ls.Port != "":
		return badSocket("give each server one Unix socket", "is at %s, and another one is elsewhere", path)
	}
	ls.Socket = path
	if a.Expose {
		return nil
	}
	if path == "" || path[0] == '@' {
		return badSocket("give it a path", "has no file, and everybody on this machine may use it")
	}
	info, err := os.Lstat(path)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return badSocket("give it a path below /run", "is at %s, whose mode cannot be seen here: %w", path, err)
	}
	if info.Mode().Perm()&0o002 != 0 {
		return badSocket("set SocketMode=0600 and SocketUser=, or SocketMode=0660 and SocketGroup=", "is at %s, and everybody on this machine may use it", path)
	}
	return nil
}

// exists tells whether this machine has an address.
func exists(ctx context.Context, ip netip.Addr) bool {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", netip.AddrPortFrom(ip, 0).String())
	if err == nil {
		_ = l.Close()
	}
	return err == nil || !isAbsent(err)
}
