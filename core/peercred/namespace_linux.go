package peercred

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// standsForOthers tells whether the number of a user may be anybody's whom the user
// namespace of this process has no number for (user_namespaces(7)): all of them have one.
func standsForOthers(uid int) bool {
	if uid != overflowUID() {
		return false
	}
	numbers, err := os.ReadFile("/proc/self/uid_map")
	if err == nil && slices.Equal(strings.Fields(string(numbers)), []string{"0", "0", "4294967295"}) {
		return false // all have their own
	}
	// Nobody else is in a network that was made for this user namespace.
	return !ownsNetwork()
}

func overflowUID() int {
	if text, err := os.ReadFile("/proc/sys/kernel/overflowuid"); err == nil {
		if uid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			return uid
		}
	}
	return 65534 // where a sandbox hides it
}

// ownsNetwork tells whether the network namespace of this process belongs to its user
// namespace. Of one that belongs to another, ioctl_ns(2) tells nothing.
func ownsNetwork() bool {
	const getUserNamespace = 0xb701
	network, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return false
	}
	defer network.Close()
	fd, _, e := syscall.Syscall(syscall.SYS_IOCTL, network.Fd(), getUserNamespace, 0)
	if e != 0 {
		return false
	}
	owner := os.NewFile(fd, "user namespace")
	defer owner.Close()
	of, err1 := owner.Stat()
	own, err2 := os.Stat("/proc/self/ns/user")
	return err1 == nil && err2 == nil && os.SameFile(of, own)
}
