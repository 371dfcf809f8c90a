package peercred

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

const (
	nobody   = 65534
	patience = 20 * time.Second
	roleEnv  = "TOKENTOSS_TEST_ROLE"
)

// TestMain is also what the tests run as another user, and elsewhere.
func TestMain(m *testing.M) {
	role, address, _ := strings.Cut(os.Getenv(roleEnv), " ")
	if play, ok := roles[role]; ok {
		play(address)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// roles are what another process does, which says a line when it has done it and ends
// when nobody reads on.
var roles = map[string]func(address string){
	"hold":  func(address string) { defer dial(address).Close(); done("connected") },
	"close": func(address string) { c := dial(address); _ = c.Close(); done("closed") },
	"send": func(address string) {
		c := dial(address)
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\n\r\n")
		_ = c.Close()
		done("sent")
	},
	"reset": func(address string) { // from an address with no closing connections of others
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).Dial("tcp", address)
		must(err)
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\n\r\n")
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
		done("reset")
	},
	"half": func(address string) {
		c := dial(address)
		_ = c.(*net.TCPConn).CloseWrite()
		done("half closed")
		_ = c.Close()
	},
	"mapped": func(address string) { // an IPv6 socket for an IPv4 address
		fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM, 0)
		must(err)
		to := netip.MustParseAddrPort(address)
		must(syscall.Connect(fd, &syscall.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}))
		done("connected")
	},
	"serve": func(address string) { // whose is a connection, to this user?
		l, err := net.Listen("tcp", address)
		must(err)
		fmt.Println(l.Addr())
		c, err := l.Accept()
		must(err)
		uid, err := Owner(c)
		done(fmt.Sprint(uid, " ", err, " ", Check(c)))
	},
	"number": func(uid string) { // does it stand for others?
		n, err := strconv.Atoi(uid)
		must(err)
		done(fmt.Sprint(standsForOthers(n)))
	},
	"elsewhere": func(string) { // and to another network namespace?
		f := os.NewFile(3, "connection")
		c, err := net.FileConn(f)
		must(err)
		_, err = Owner(c)
		done(fmt.Sprint(err == ErrNotFound))
	},
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func dial(address string) net.Conn {
	c, err := net.Dial("tcp", address)
	must(err)
	return c
}

func done(what string) {
	fmt.Println(what)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// A process plays a role.
type process struct {
	cmd *exec.Cmd
	out *bufio.Reader
}

func play(t *testing.T, role, address string, how syscall.SysProcAttr, files ...*os.File) *process {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	self, err := os.Open("/proc/self/exe") // others may not reach its directory
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	cmd := exec.Command(fmt.Sprintf("/proc/self/fd/%d", 3+len(files)))
	cmd.ExtraFiles, cmd.Dir, cmd.Stderr = append(files, self), "/", os.Stderr
	cmd.Env, cmd.SysProcAttr = []string{roleEnv + "=" + role + " " + address}, &how
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	switch err := errors.Join(err1, err2, cmd.Start()); {
	case how.Cloneflags != 0 && (errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC)):
		t.Skip("no namespace may be made here: ", err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), cmd.Wait() })
	return &process{cmd, bufio.NewReader(out)}
}

func as(uid uint32) syscall.SysProcAttr {
	return syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
}

func (p *process) line(t *testing.T) string {
	t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the other process: %v", err)
	}
	return strings.TrimSpace(line)
}

func listen(t *testing.T, address string) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}

func accept(t *testing.T, l *net.TCPListener) net.Conn {
	t.Helper()
	_ = l.SetDeadline(time.Now().Add(patience))
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// asked are the ways to find an owner: all must say the same.
func asked(t *testing.T, c net.Conn) map[string]error {
	t.Helper()
	near, _ := addressOf(c.LocalAddr())
	far, _ := addressOf(c.RemoteAddr())
	answers := map[string]error{"Check": Check(c)}
	for name, ask := range map[string]func(near, far netip.AddrPort) (socket, error){"sock_diag": diagnose, "table": lookUp} {
		s, err := ask(far, near)
		if err == errNoEntry {
			err = ErrNotFound
		}
		if err == nil {
			var uid int
			if uid, err = s.owner(); err == nil && uid != os.Geteuid() {
				err = &UserError{uid}
			}
		}
		answers[name] = err
	}
	return answers
}

// An open connection is of who opened it, in every combination of families; one that
// its other end has closed is nobody's.
func TestOwner(t *testing.T) {
	for _, d := range []struct {
		listen, role string
		uid          uint32
		want         error
	}{
		{"127.0.0.1:0", "hold", 0, nil},
		{"127.0.0.1:0", "hold", nobody, &UserError{nobody}},
		{"127.0.0.1:0", "mapped", nobody, &UserError{nobody}},
		{"127.0.0.1:0", "half", nobody, &UserError{nobody}},
		{"127.0.0.1:0", "half", 0, nil},
		{"127.0.0.1:0", "close", nobody, ErrClosed},
		{"127.0.0.1:0", "close", 0, ErrClosed},
		{"127.0.0.1:0", "send", nobody, ErrClosed},
		{"[::1]:0", "hold", 0, nil},
		{"[::1]:0", "hold", nobody, &UserError{nobody}},
		{"[::1]:0", "send", nobody, ErrClosed},
		{"[::]:0", "hold", nobody, &UserError{nobody}},
		{"[::]:0", "mapped", 0, nil},
		{"[::]:0", "close", nobody, ErrClosed},
	} {
		l := listen(t, d.listen)
		address := strings.Replace(l.Addr().String(), "[::]", "127.0.0.1", 1)
		p := play(t, d.role, address, as(d.uid))
		p.line(t)
		for how, err := range asked(t, accept(t, l)) {
			if fmt.Sprint(err) != fmt.Sprint(d.want) {
				t.Errorf("%s, %s as %d, by %s: %v, not %v", d.listen, d.role, d.uid, how, err, d.want)
			}
		}
	}
}

// A connection that was reset is nobody's, even if its addresses are in use again.
func TestReset(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	play(t, "reset", l.Addr().String(), as(nobody)).line(t)
	c := accept(t, l)
	if err := Check(c); err != ErrClosed {
		t.Errorf("reset: %v", err)
	}
	again, err := (&net.Dialer{LocalAddr: c.RemoteAddr()}).Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := Check(c); err != ErrClosed {
		t.Errorf("reset, and the addresses are this user's now: %v", err)
	}
	if err := Check(accept(t, l)); err != nil {
		t.Errorf("the connection that has the addresses: %v", err)
	}
}

// Another user's listener at the port of a connection that is gone is not its owner.
func TestListenerIsNoOwner(t *testing.T) {
	l, busy := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	near, _ := addressOf(busy.Addr())
	far, _ := addressOf(l.Addr())
	if _, _, err := owner(near, far); err != ErrNotFound {
		t.Errorf("owner: %v", err)
	}
}

// To an unprivileged user, a connection of root's (a relay such as WSL's or a
// container's) is root's; it is accepted.
func TestRootIsAccepted(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		p := play(t, "serve", address, as(nobody))
		defer dial(p.line(t)).Close()
		if got := p.line(t); got != "0 <nil> <nil>" {
			t.Errorf("%s: %s", address, got)
		}
	}
}

// In a user namespace with numbers for root and nobody alone, as systemd's PrivateUsers=
// makes one, all others are nobody as well, and nobody's connections are not told from
// theirs. Where the network is the namespace's own, there are no others.
func TestUserNamespace(t *testing.T) {
	private := as(nobody)
	private.Cloneflags = syscall.CLONE_NEWUSER
	private.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}, {ContainerID: nobody, HostID: nobody, Size: 1}}
	private.GidMappings = private.UidMappings
	container := private
	container.Cloneflags |= syscall.CLONE_NEWNET
	for _, d := range []struct {
		how  syscall.SysProcAttr
		uid  int
		want string
	}{{as(nobody), nobody, "false"}, {private, nobody, "true"}, {private, 1, "false"}, {container, nobody, "false"}} {
		if got := play(t, "number", strconv.Itoa(d.uid), d.how).line(t); got != d.want {
			t.Errorf("%d stands for others, with the flags %x: %s", d.uid, d.how.Cloneflags, got)
		}
	}
	for uid, want := range map[uint32]string{0: "0 <nil> <nil>", 1: fmt.Sprint(nobody, " <nil> ", ErrUnmapped), nobody: fmt.Sprint(nobody, " <nil> ", ErrUnmapped)} {
		p := play(t, "serve", "127.0.0.1:0", private)
		play(t, "hold", p.line(t), as(uid)).line(t)
		if got := p.line(t); got != want {
			t.Errorf("user %d: %s, not %s", uid, got, want)
		}
	}
}

// A connection of another network namespace has no socket here, and one inside a
// namespace is found.
func TestNetworkNamespace(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	defer dial(l.Addr().String()).Close()
	f, err := accept(t, l).(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if p := play(t, "elsewhere", "", syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}, f); p.line(t) != "true" {
		t.Error("a connection of another network namespace has an owner")
	}
}

// Thousands of connections that are closing hide nothing.
func TestBesideClosingConnections(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	for range 8000 {
		c := dial(l.Addr().String())
		other, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close() // first, so that this end waits
		_ = other.Close()
	}
	p := play(t, "hold", l.Addr().String(), as(nobody))
	p.line(t)
	for how, err := range asked(t, accept(t, l)) {
		if fmt.Sprint(err) != fmt.Sprint(&UserError{nobody}) {
			t.Errorf("by %s: %v", how, err)
		}
	}
}

// Where a sandbox refuses sock_diag the table answers; where it refuses that as well,
// nobody is let in.
func TestSandbox(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	defer dial(l.Addr().String()).Close()
	c := accept(t, l)
	for _, d := range []struct {
		refused []uint32
		want    error
	}{
		{nil, nil},
		{[]uint32{syscall.SYS_SOCKET}, nil},
		{[]uint32{syscall.SYS_SOCKET, syscall.SYS_OPENAT}, ErrUnsupported},
	} {
		answer := make(chan error)
		go func() {
			runtime.LockOSThread() // the thread, and its filter, end with the goroutine
			if err := refuse(d.refused); err != nil {
				answer <- err
				return
			}
			answer <- Check(c)
		}()
		if err := <-answer; err != d.want {
			t.Errorf("without the system calls %v: %v, not %v", d.refused, err, d.want)
		}
	}
	if !Supported() {
		t.Error("Supported: false")
	}
}

// refuse has the kernel refuse system calls of this thread, seccomp(2); of socket(2)
// those for netlink.
func refuse(calls []uint32) error {
	const (
		load, equal, give          = 0x20, 0x15, 0x06
		number, first              = 0, 16 // of struct seccomp_data
		allow, deny                = 0x7fff0000, 0x00050000 | uint32(syscall.EPERM)
		prSetSeccomp, prNoNewPrivs = 22, 38
		filterMode                 = 2
	)
	filter := []syscall.SockFilter{}
	for _, call := range calls {
		filter = append(filter, syscall.SockFilter{Code: load, K: number})
		if call == syscall.SYS_SOCKET {
			filter = append(filter, syscall.SockFilter{Code: equal, K: call, Jf: 3},
				syscall.SockFilter{Code: load, K: first}, syscall.SockFilter{Code: equal, K: syscall.AF_NETLINK, Jf: 1})
		} else {
			filter = append(filter, syscall.SockFilter{Code: equal, K: call, Jf: 1})
		}
		filter = append(filter, syscall.SockFilter{Code: give, K: deny})
	}
	filter = append(filter, syscall.SockFilter{Code: give, K: allow})
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, prNoNewPrivs, 1, 0, 0, 0, 0); e != 0 {
		return e
	}
	if _, _, e := syscall.RawSyscall(syscall.SYS_PRCTL, prSetSeccomp, filterMode, uintptr(unsafe.Pointer(&program))); e != 0 {
		return e
	}
	return nil
}

func BenchmarkOwner(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	defer l.Close()
	defer dial(l.Addr().String()).Close()
	c, err := l.Accept()
	must(err)
	defer c.Close()
	near, _ := addressOf(c.LocalAddr())
	far, _ := addressOf(c.RemoteAddr())
	b.Run("sock_diag", func(b *testing.B) {
		for b.Loop() {
			if _, err := Owner(c); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("table", func(b *testing.B) {
		for b.Loop() {
			if _, err := lookUp(far, near); err != nil {
				b.Fatal(err)
			}
		}
	})
}
