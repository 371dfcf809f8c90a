package loopback_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
)

const roleEnv = "TOKENTOSS_TEST_LOOPBACK"

// role makes the process say what becomes of addresses on a machine of another kind.
func role() bool {
	machine := os.Getenv(roleEnv)
	if machine == "" {
		return false
	}
	if machine != "unprivileged" {
		loopbackUp(machine == "only IPv6")
	}
	for _, text := range strings.Split(os.Getenv(roleEnv+"_ADDRESSES"), " ") {
		ls, err := loopback.Listen(context.Background(), loopback.Address{Text: text})
		if err != nil {
			fmt.Printf("%s: %v: %s\n", text, err, fault.RemedyOf(err))
			continue
		}
		fmt.Printf("%s: %s\n", text, strings.Join(names(ls), " "))
		ls.Close()
	}
	return true
}

// loopbackUp brings up the interface lo, with ::1 and, if not withoutIPv4, 127.0.0.1.
func loopbackUp(withoutIPv4 bool) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		panic(err)
	}
	type ifreq struct { // netdevice(7)
		name [syscall.IFNAMSIZ]byte
		data [24]byte
	}
	call := func(number uintptr, set func(*ifreq)) {
		r := &ifreq{name: [syscall.IFNAMSIZ]byte{'l', 'o'}}
		set(r)
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), number, uintptr(unsafe.Pointer(r))); e != 0 {
			panic(e)
		}
	}
	call(syscall.SIOCSIFFLAGS, func(r *ifreq) { r.data[0] = syscall.IFF_UP })
	if withoutIPv4 { // another address instead, far from 127.0.0.0/8
		call(syscall.SIOCSIFADDR, func(r *ifreq) {
			*(*syscall.RawSockaddrInet4)(unsafe.Pointer(&r.data)) = syscall.RawSockaddrInet4{Family: syscall.AF_INET, Addr: [4]byte{192, 0, 2, 9}}
		})
	}
}

// On machines that lack an address of localhost, or all: what there is is used, and
// nobody else is blamed.
func TestOtherMachines(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a network namespace")
	}
	for _, d := range []struct{ machine, address, want string }{
		{"usual", "localhost:0", "127.0.0.1 [::1] localhost"},
		{"only IPv6", "", "[::1] localhost"},
		{"only IPv6", "localhost:8080", "[::1] localhost"},
		{"only IPv6", "[::1]:8080", "[::1]"},
		{"only IPv6", "127.0.0.1:8080", "cannot assign requested address: this machine does not have that address: use localhost:8080"},
		{"unprivileged", "localhost:81", "permission denied: this system keeps the ports below 1024 for privileged programs: choose a higher one"},
		{"unprivileged", "127.0.0.1:81", "choose a higher one"},
	} {
		self, err := os.Open("/proc/self/exe")
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("/proc/self/fd/3")
		cmd.ExtraFiles, cmd.Dir = []*os.File{self}, "/"
		cmd.Env = []string{roleEnv + "=" + d.machine, roleEnv + "_ADDRESSES=" + d.address}
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
		if d.machine == "unprivileged" {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		out, err := cmd.CombinedOutput()
		self.Close()
		if err != nil || !strings.Contains(string(out), d.want) || strings.Contains(string(out), "another program") {
			t.Errorf("%s, %s: %s %v", d.machine, d.address, out, err)
		}
	}
}
