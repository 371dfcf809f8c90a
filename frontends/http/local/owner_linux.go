package local

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
)

// owner returns the user who has the other end of a loopback connection, as the
// system's table of connections says. ok is false where it does not.
func owner(c net.Conn) (uid string, ok bool) {
	remote, local := addressOf(c.RemoteAddr()), addressOf(c.LocalAddr())
	files := []string{"/proc/net/tcp6"}
	if remote.Addr().Is4() { // of a socket of either family
		files = append(files, "/proc/net/tcp")
	}
	for _, file := range files {
		if uid, ok = ownerIn(file, remote, local); ok {
			return uid, true
		}
	}
	return "", false
}

func addressOf(a net.Addr) netip.AddrPort {
	t := a.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(t.Addr().Unmap().WithZone(""), t.Port())
}

// ownerIn looks into a table of proc_pid_net(5): number, local and remote address,
// state, queues, timers, retransmissions, user.
func ownerIn(file string, near, far netip.AddrPort) (uid string, ok bool) {
	f, err := os.Open(file)
	if err != nil {
		return "", false
	}
	defer f.Close()
	wide := strings.HasSuffix(file, "6")
	want := tableAddress(near, wide) + " " + tableAddress(far, wide)
	const closed = "06" // TIME_WAIT, which has no user
	for s := bufio.NewScanner(f); s.Scan(); {
		if !strings.Contains(s.Text(), want) {
			continue
		}
		if fields := strings.Fields(s.Text()); len(fields) > 7 && fields[3] != closed {
			return fields[7], true
		}
	}
	return "", false
}

// tableAddress writes an address as the tables do: in words of the machine's order.
func tableAddress(a netip.AddrPort, wide bool) string {
	text := ""
	bytes := a.Addr().AsSlice()
	if wide {
		all := a.Addr().As16()
		bytes = all[:]
	}
	for i := 0; i < len(bytes); i += 4 {
		text += fmt.Sprintf("%08X", binary.NativeEndian.Uint32(bytes[i:]))
	}
	return fmt.Sprintf("%s:%04X", text, a.Port())
}

// KnowsOwners tells whether the system says whose a loopback connection is.
func KnowsOwners() bool {
	_, err := os.Stat("/proc/net/tcp")
	return err == nil
}
