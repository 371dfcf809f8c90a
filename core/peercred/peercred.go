// Package peercred tells whose the other end of a TCP connection within this machine is,
// as SO_PEERCRED does for a Unix socket (unix(7)).
//
// A loopback address can be reached by every user of the machine. A server that is meant
// for one user calls [Check] before it answers:
//
//	if err := peercred.Check(conn); err != nil {
//		return err // another user's, or nobody's
//	}
//
// Linux tells, in the network namespace that the calling process is in. Other systems
// would want privileges, and the answer there is [ErrUnsupported].
package peercred

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
)

var (
	// ErrClosed is that the other end was closed or reset. Nobody owns it any more, and
	// whose it was can no longer be found out.
	ErrClosed = errors.New("the other end of the connection is closed, so that its owner is not known")

	// ErrNotFound is that this system has no such socket: the connection comes from
	// another network namespace, virtual machine or computer.
	ErrNotFound = errors.New("the other end of the connection is not on this system")

	// ErrUnmapped is that the user of the other end may be one without a number in this
	// process's user namespace, for whom the number of this process's user stands as well.
	ErrUnmapped = errors.New("the number of this user stands for all whom the user namespace has no number for")

	// ErrUnsupported is that the system does not tell, or forbids to ask.
	ErrUnsupported = errors.New("the system does not tell whose a connection is")
)

// A UserError is that the connection is of another user, who is not root.
type UserError struct{ UID int }

func (e *UserError) Error() string {
	return fmt.Sprintf("the connection is of another user (uid %d)", e.UID)
}

// Owner returns the user ID of who opened the other end of c, a TCP connection within
// this machine, IPv4 or IPv6. The error is [ErrClosed], [ErrNotFound] or
// [ErrUnsupported]. It asks for this one socket, so the time that it takes does not
// depend on how many there are, except where the system refuses that question and
// its whole table must be read. It may be called by many goroutines at once, though
// not before the connection is accepted.
func Owner(c net.Conn) (uid int, err error) {
	uid, _, err = end(c)
	return uid, err
}

// end returns who opened the other end of c, and the number of the socket.
func end(c net.Conn) (uid int, inode uint64, err error) {
	near, ok := addressOf(c.LocalAddr())
	far, isTCP := addressOf(c.RemoteAddr())
	if !ok || !isTCP {
		return 0, 0, ErrUnsupported
	}
	if connected(c) {
		uid, inode, err = owner(far, near)
	}
	// A reset frees the addresses for somebody else's connection, which may be the one
	// that was found. What is still connected has only one other end.
	if !connected(c) {
		return 0, 0, ErrClosed
	}
	return uid, inode, err
}

// Check returns nil if the other end of c belongs to the user of this process or to
// root, who could be this user at any time. The error is a [*UserError], [ErrUnmapped] or
// one of [Owner].
func Check(c net.Conn) error {
	uid, err := Owner(c)
	if err != nil {
		return err
	}
	switch {
	case uid == 0:
	case uid != os.Geteuid():
		return &UserError{UID: uid}
	case standsForOthers(uid):
		return ErrUnmapped
	}
	return nil
}

// ErrOtherProcess is that none of the processes that were asked about has the other end.
var ErrOtherProcess = errors.New("the connection is of another process")

// CheckProcess is Check, and returns [ErrOtherProcess] unless a process has the other end
// that is process or descends from it. One that was given up by its parent descends from
// that one no more. It looks into each process of the tree, which takes a while.
func CheckProcess(c net.Conn, process int) error {
	if err := Check(c); err != nil {
		return err
	}
	_, inode, err := end(c)
	if err != nil {
		return err
	}
	if !inTree(process, inode) {
		return ErrOtherProcess
	}
	return nil
}

// Supported tells whether [Owner] finds out whose a connection is here, by asking for
// one of its own.
func Supported() bool {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		if l, err := net.Listen("tcp", address); err == nil {
			defer l.Close()
			return tells(l)
		}
	}
	return false
}

func tells(l net.Listener) bool {
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return false
	}
	defer client.Close()
	uid, err := Owner(reversed{client})
	return err == nil && uid == os.Geteuid()
}

// reversed is a connection seen from its other end.
type reversed struct{ net.Conn }

func (r reversed) LocalAddr() net.Addr  { return r.Conn.RemoteAddr() }
func (r reversed) RemoteAddr() net.Addr { return r.Conn.LocalAddr() }

func addressOf(a net.Addr) (netip.AddrPort, bool) {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}, false
	}
	p := t.AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap().WithZone(""), p.Port()), true
}
