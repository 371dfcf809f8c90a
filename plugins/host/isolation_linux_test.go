package host_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
	"github.com/tokentoss/tokentoss/stores/file"
)

// TestEnvironment plants what a person's environment may hold, and reads that of
// the plugin.
func TestEnvironment(t *testing.T) {
	planted := map[string]string{
		"TOKENTOSS_TOKEN_FILE": "/needle", "TOKENTOSS_CONFIG_DIR": "/needle", "TOKENTOSS_CLIENT_SECRET": "needle", "IAP_TOKEN": "needle",
		"AWS_SECRET_ACCESS_KEY": "needle", "GOOGLE_APPLICATION_CREDENTIALS": "/needle", "GITHUB_TOKEN": "needle", "PASSWORD": "needle",
		"OPENAI_API_KEY": "needle", "LD_PRELOAD": "", "GODEBUG": "x509needle=1", "GRPC_GO_LOG_SEVERITY_LEVEL": "needle", "PYTHONPATH": "/needle",
		"PLUGIN_CLIENT_CERT": "needle", "PLUGIN_UNIX_SOCKET_DIR": "/needle", "PATHOLOGY": "needle", "HOMER": "needle", "LCX": "needle", "XDGX": "needle",
	}
	for name, value := range planted {
		t.Setenv(name, value)
	}
	passed := map[string]string{"LC_TIME": "C", "XDG_DATA_HOME": "/somewhere", "https_proxy": "http://127.0.0.1:1", "MY_CERTS": "/asked-for"}
	for name, value := range passed {
		t.Setenv(name, value)
	}
	s := newScene(t, evil("evil"))
	use := s.use("", "")
	use.Environment = []string{"MY_CERTS"}
	s.open(t, use)
	pid, _ := s.where(t)
	env := procList(t, pid, "environ")
	for _, e := range env {
		if strings.Contains(e, "needle") {
			t.Errorf("the plugin has %s", e)
		}
		name, _, _ := strings.Cut(e, "=")
		if strings.HasPrefix(name, "TOKENTOSS_") && name != "TOKENTOSS_PLUGIN_COOKIE" {
			t.Errorf("the plugin has %s", name)
		}
	}
	for _, name := range []string{"PATH", "HOME"} {
		passed[name] = os.Getenv(name)
	}
	for name, value := range passed {
		if !slices.Contains(env, name+"="+value) {
			t.Errorf("the plugin has no %s", name)
		}
	}
	if args := procList(t, pid, "cmdline"); !slices.Equal(args, []string{"/proc/self/exe", "evil"}) {
		t.Errorf("the plugin's arguments are %q", args)
	}
}

// procList returns a list of a process that the system shows to others.
func procList(t *testing.T, pid int, name string) []string {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
}

// TestDescriptors: a plugin has its standard streams, and what it opened itself.
// The file store has a lock open while the plugin starts, and this process a
// document that its children would inherit.
func TestDescriptors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, err := file.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Save(bounded(t), "a", core.Record{Data: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	lease, err := store.Lock(bounded(t), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release()
	// As from a shell that redirects: open for children, too.
	document, err := syscall.Open(store.Path("a"), syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(document)
	s := newScene(t, evil("evil"))
	s.open(t, s.use("", ""))
	pid, _ := s.where(t)
	links := descriptors(t, pid)
	if links["0"] != "/dev/null" {
		t.Errorf("standard input is %s", links["0"])
	}
	for fd, link := range links {
		own := strings.HasPrefix(link, "socket:") || strings.HasPrefix(link, "pipe:") || strings.HasPrefix(link, "anon_inode:") || link == "/dev/null" ||
			strings.HasPrefix(link, "/sys/fs/cgroup/") // the Go runtime's
		if !own {
			t.Errorf("descriptor %s is %s", fd, link)
		}
	}
	for _, mine := range []string{dir, os.Args[0]} {
		for fd, link := range links {
			if strings.HasPrefix(link, mine) {
				t.Errorf("descriptor %s is the host's %s", fd, link)
			}
		}
	}
}

func descriptors(t *testing.T, pid int) map[string]string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	links := make(map[string]string)
	for _, e := range entries {
		if link, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			links[e.Name()] = link
		}
	}
	return links
}

// TestGroup: Ctrl-C in the host's terminal is not for the plugin.
func TestGroup(t *testing.T) {
	t.Parallel()
	s := newScene(t, evil("evil"))
	s.open(t, s.use("", ""))
	pid, _ := s.where(t)
	if group, err := syscall.Getpgid(pid); err != nil || group != pid {
		t.Errorf("the plugin is in group %d, %v; want its own, %d", group, err, pid)
	}
}

// TestSocket: another process of the same user that finds the socket gets nothing
// from it, with TLS or without, and with a certificate of its own.
func TestSocket(t *testing.T) {
	t.Parallel()
	s := newScene(t, evil("evil"))
	store := s.open(t, s.use("", ""))
	_, sockets := s.where(t)
	found, err := filepath.Glob(sockets + "/*")
	if err != nil || len(found) != 1 {
		t.Fatalf("the sockets are %q, %v", found, err)
	}
	for dir := sockets; strings.Contains(dir, "tokentoss-"); dir = filepath.Dir(dir) {
		if info, err := os.Lstat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}
	for name, creds := range map[string]credentials.TransportCredentials{
		"plain": insecure.NewCredentials(),
		"tls":   credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}), // a thief checks nothing
		"cert":  credentials.NewTLS(&tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{certificate()}}),
	} {
		conn, err := grpc.NewClient("unix://"+found[0], grpc.WithTransportCredentials(creds))
		if err != nil {
			t.Fatal(err)
		}
		if m, err := pb.NewPluginServiceClient(conn).Describe(bounded(t), &pb.DescribeRequest{}); err == nil {
			t.Errorf("%s: got %v", name, m)
		}
		if m, err := pb.NewStoreServiceClient(conn).Load(bounded(t), &pb.LoadRequest{Store: 1, Key: "a"}); err == nil {
			t.Errorf("%s: got %v", name, m)
		}
		_ = conn.Close()
	}
	if raw, err := net.Dial("unix", found[0]); err == nil {
		_, _ = raw.Write(bytes.Repeat([]byte("garbage"), 1000))
		raw.Close()
	}
	if _, err := store.Load(bounded(t), "a"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("the host's own connection: %v", err)
	}
}

// victimEnv has this executable be a host that is to be killed: it opens a store
// in the directory that the variable names.
const victimEnv = "TOKENTOSS_TEST_VICTIM"

func beVictim(dir string) {
	h := &host.Host{Dir: dir, Bundled: []plugins.Plugin{evil("evil")}}
	s := &scene{host: h, dir: dir}
	if _, err := h.OpenStore(context.Background(), s.use("", "")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := os.WriteFile(filepath.Join(dir, "opened"), nil, 0o600); err != nil {
		os.Exit(1)
	}
	select {}
}

// TestHostKilled: the plugin of a host that is killed ends by itself, and the next
// host removes the directory of its socket.
func TestHostKilled(t *testing.T) {
	t.Parallel()
	s := newScene(t, evil("evil"))
	victim := exec.Command("/proc/self/exe")
	victim.Env = append(os.Environ(), victimEnv+"="+s.dir)
	victim.Stderr = os.Stderr
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- victim.Wait() }()
	eventually(t, "the victim has a store", func() bool { _, err := os.Lstat(filepath.Join(s.dir, "opened")); return err == nil })
	pid, sockets := s.where(t)
	if !exists(sockets) { // what other tests here leave, as their host is not theirs
		t.Fatalf("%s was swept, and is in use", sockets)
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	eventually(t, "the plugin ends", func() bool { return !running(pid) })
	next := newScene(t, evil("evil"))
	next.open(t, next.use("", ""))
	if left := filepath.Dir(sockets); exists(left) {
		t.Errorf("%s is still there", left)
	}
	if _, mine := next.where(t); !exists(mine) {
		t.Errorf("%s was swept, and is in use", mine)
	}
}

func exists(path string) bool { _, err := os.Lstat(path); return err == nil }

// running tells whether a process runs. One that has ended may wait for init.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}

// TestSocketDirectory: one that is not the user's own is passed over, and a long name
// is not tried.
func TestSocketDirectory(t *testing.T) {
	parent := t.TempDir()
	t.Run("runtime directory", func(t *testing.T) {
		t.Setenv("XDG_RUNTIME_DIR", shortDir(t))
		s := newScene(t, evil("evil"))
		s.open(t, s.use("", ""))
		if _, sockets := s.where(t); !strings.HasPrefix(sockets, os.Getenv("XDG_RUNTIME_DIR")+"/tokentoss/") {
			t.Errorf("the socket is in %s", sockets)
		}
	})
	t.Run("long name", func(t *testing.T) {
		s := newScene(t, evil("evil"))
		t.Setenv("XDG_RUNTIME_DIR", filepath.Join(parent, strings.Repeat("long", 30)))
		t.Setenv("TMPDIR", filepath.Join(parent, strings.Repeat("long", 30)))
		s.open(t, s.use("", ""))
	})
	for name, spoil := range map[string]func(string) error{
		"others":  func(dir string) error { return os.Chmod(dir, 0o777) },
		"foreign": func(dir string) error { return os.Chown(dir, 65534, 65534) },
		"link":    func(dir string) error { return errors.Join(os.Remove(dir), os.Symlink(parent, dir)) },
		"file":    func(dir string) error { return errors.Join(os.Remove(dir), os.WriteFile(dir, nil, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			base := shortDir(t)
			t.Setenv("XDG_RUNTIME_DIR", base)
			if err := errors.Join(os.Mkdir(filepath.Join(base, "tokentoss"), 0o700), spoil(filepath.Join(base, "tokentoss"))); err != nil {
				t.Skipf("this user cannot do that: %v", err)
			}
			temp := shortDir(t)
			t.Setenv("TMPDIR", temp)
			s := newScene(t, evil("evil"))
			s.open(t, s.use("", ""))
			if _, sockets := s.where(t); !strings.HasPrefix(sockets, temp+"/tokentoss-") {
				t.Errorf("the socket is in %s, want it in %s", sockets, temp)
			}
		})
	}
}

// shortDir is a directory with a name that leaves room for that of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
