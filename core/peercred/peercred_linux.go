package peercred

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// owner returns who has the socket that is bound to near and connected to far.
func owner(near, far netip.AddrPort) (uid int, inode uint64, err error) {
	s, err := socketOf(near, far)
	if err != nil {
		return 0, 0, err
	}
	uid, err = s.owner()
	return uid, s.inode, err
}

// socketOf finds a socket.
func socketOf(near, far netip.AddrPort) (socket, error) {
	s, err := diagnose(near, far)
	if err == errNoEntry {
		// So answers a kernel without the module for TCP, too. The socket at this
		// end exists.
		if _, err := diagnose(far, near); err == nil {
			return socket{}, ErrNotFound
		}
	}
	if err != nil {
		return lookUp(near, far)
	}
	return s, nil
}

// A socket is what the system says of one.
type socket struct {
	state byte
	uid   uint32
	inode uint64
}

// States of include/net/tcp_states.h that are no connection with an owner.
const (
	tcpClose  = 7
	tcpListen = 10
)

func (s socket) owner() (int, error) {
	// A socket without a file was closed by its process, however much of the
	// connection is left, and has user 0 for want of another.
	if s.inode == 0 || s.state == tcpClose || s.state == tcpListen {
		return 0, ErrClosed
	}
	return int(s.uid), nil
}

// Of sock_diag(7).
const (
	sockDiagByFamily = 20
	requestSize      = 56 // struct inet_diag_req_v2
	answerSize       = 72 // struct inet_diag_msg
	loopback         = 1  // index of the interface lo, for sockets that are bound to it
)

var errNoEntry error = syscall.ENOENT

// diagnose asks the kernel for one socket.
func diagnose(near, far netip.AddrPort) (socket, error) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_INET_DIAG)
	if err != nil {
		return socket{}, err
	}
	defer syscall.Close(fd)
	if err := syscall.Sendto(fd, request(near, far), 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return socket{}, err
	}
	answer := make([]byte, 4096)
	// The answer is there when the question has been sent.
	n, from, err := syscall.Recvfrom(fd, answer, syscall.MSG_DONTWAIT)
	if err != nil {
		return socket{}, err
	}
	if kernel, ok := from.(*syscall.SockaddrNetlink); !ok || kernel.Pid != 0 {
		return socket{}, errors.New("netlink: an answer that is not the kernel's")
	}
	return parseAnswer(answer[:n], near, far)
}

// request is for the socket with these addresses, in whatever state it is. For IPv4 ones
// the kernel finds sockets of either family.
func request(near, far netip.AddrPort) []byte {
	native := binary.NativeEndian
	b := make([]byte, syscall.NLMSG_HDRLEN, syscall.NLMSG_HDRLEN+requestSize)
	native.PutUint32(b, uint32(cap(b)))
	native.PutUint16(b[4:], sockDiagByFamily)
	native.PutUint16(b[6:], syscall.NLM_F_REQUEST)
	family := byte(syscall.AF_INET)
	if near.Addr().Is6() {
		family = syscall.AF_INET6
	}
	b = append(b, family, syscall.IPPROTO_TCP, 0, 0)
	b = native.AppendUint32(b, ^uint32(0)) // states
	b = binary.BigEndian.AppendUint16(b, near.Port())
	b = binary.BigEndian.AppendUint16(b, far.Port())
	for _, a := range []netip.Addr{near.Addr(), far.Addr()} {
		var field [16]byte
		copy(field[:], a.AsSlice())
		b = append(b, field[:]...)
	}
	b = native.AppendUint32(b, loopback)
	return native.AppendUint64(b, ^uint64(0)) // no cookie
}

// parseAnswer reads a message of the kernel, which must be of the socket that was asked
// for: where there is none, the kernel may answer with one that listens at near.
func parseAnswer(b []byte, near, far netip.AddrPort) (socket, error) {
	messages, err := syscall.ParseNetlinkMessage(b)
	if err != nil || len(messages) == 0 {
		return socket{}, errors.Join(errors.New("netlink: an answer that cannot be read"), err)
	}
	m, native := messages[0], binary.NativeEndian
	switch {
	case m.Header.Type == syscall.NLMSG_ERROR && len(m.Data) >= 4:
		return socket{}, syscall.Errno(-int32(native.Uint32(m.Data)))
	case m.Header.Type != sockDiagByFamily || len(m.Data) < answerSize:
		return socket{}, errors.New("netlink: an answer of another kind")
	}
	d := m.Data
	at := func(port, address int) netip.AddrPort {
		a, _ := netip.AddrFromSlice(d[address : address+4])
		if d[0] == syscall.AF_INET6 {
			a, _ = netip.AddrFromSlice(d[address : address+16])
		}
		return netip.AddrPortFrom(a.Unmap(), binary.BigEndian.Uint16(d[port:]))
	}
	if at(4, 8) != near || at(6, 24) != far {
		return socket{}, errNoEntry
	}
	return socket{state: d[1], uid: native.Uint32(d[64:]), inode: uint64(native.Uint32(d[68:]))}, nil
}

// lookUp reads the system's tables, proc_pid_net(5), for where sock_diag is refused.
func lookUp(near, far netip.AddrPort) (socket, error) {
	files := []string{"/proc/net/tcp6"}
	if near.Addr().Is4() { // of a socket of either family
		files = []string{"/proc/net/tcp", "/proc/net/tcp6"}
	}
	read := false
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			continue
		}
		defer f.Close()
		read = true
		wide := strings.HasSuffix(file, "6")
		if s, ok := find(bufio.NewScanner(f), tableAddress(near, wide), tableAddress(far, wide)); ok {
			return s, nil
		}
	}
	if !read {
		return socket{}, ErrUnsupported
	}
	return socket{}, ErrNotFound
}

// find looks for a line with number, addresses, state, queues, timer, retransmissions,
// user, timeout and inode.
func find(table *bufio.Scanner, near, far string) (socket, bool) {
	for table.Scan() {
		if !strings.Contains(table.Text(), near) {
			continue
		}
		f := strings.Fields(table.Text())
		if len(f) < 10 || f[1] != near || f[2] != far {
			continue
		}
		state, err := strconv.ParseUint(f[3], 16, 8)
		uid, err2 := strconv.ParseUint(f[7], 10, 32)
		inode, err3 := strconv.ParseUint(f[9], 10, 64)
		return socket{byte(state), uint32(uid), inode}, errors.Join(err, err2, err3) == nil
	}
	return socket{}, false
}

// tableAddress writes an address as the tables do: in words of the machine's order.
func tableAddress(a netip.AddrPort, wide bool) string {
	text, bytes := "", a.Addr().AsSlice()
	if wide {
		all := a.Addr().As16()
		bytes = all[:]
	}
	for i := 0; i < len(bytes); i += 4 {
		text += fmt.Sprintf("%08X", binary.NativeEndian.Uint32(bytes[i:]))
	}
	return fmt.Sprintf("%s:%04X", text, a.Port())
}

// connected tells whether c was not reset yet. The first byte of struct tcp_info is the
// state.
func connected(c net.Conn) bool {
	s, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	var info [4]byte
	if e := raw.Control(func(fd uintptr) {
		var word int
		if word, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO); err == nil {
			binary.NativeEndian.PutUint32(info[:], uint32(word))
		}
	}); e != nil || err != nil {
		return false
	}
	return info[0] != tcpClose
}
