package host_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/internal/handshake"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
	"github.com/tokentoss/tokentoss/stores/file"
)

// A secret that evil plugins print.
const needle = "GOCSPX-needle_needle_needle"

// TestMain runs the tests, or this process is a plugin that one of them started,
// or a host that is to be killed. At the end nothing of any plugin may be left.
func TestMain(m *testing.M) {
	if handshake.Started() {
		name := os.Args[len(os.Args)-1]
		for _, begin := range []func(){starts[name], certificates[name]} {
			if begin != nil {
				begin()
			}
		}
		if name, version, changed := strings.Cut(name, "@"); changed {
			p := evil(name)
			p.Version, p.Locking = version, version != "unlocking"
			if version == "unlocking" {
				p.Version = evil(name).Version
			}
			serveUnchecked(p)
		}
		os.Exit(plugintest.Run(nil, evil(name)))
	}
	if dir := os.Getenv(victimEnv); dir != "" {
		beVictim(dir)
		return
	}
	// So that leftovers knows where sockets are.
	if err := os.Unsetenv("XDG_RUNTIME_DIR"); err != nil {
		panic(err)
	}
	// Most of these tests wait. With the race detector a process takes long to start.
	if !raceDetector() {
		if err := flag.Set("test.parallel", "6"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(checked{m})
}

func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// checked are tests after which no process and no socket is left.
type checked struct{ m *testing.M }

func (c checked) Run() int {
	code := c.m.Run()
	for _, left := range leftovers() {
		fmt.Fprintln(os.Stderr, "left behind:", left)
		code = 1
	}
	return code
}

// leftovers are children of this process, plugins that it started, whoever has
// them now, and directories for their sockets.
func leftovers() []string {
	var left []string
	mine := fmt.Sprintf("tokentoss-%d/%d-", os.Getuid(), os.Getpid())
	for _, pid := range pids() {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		_, after, _ := bytes.Cut(stat, []byte(") "))
		fields := strings.Fields(string(after))
		child := len(fields) > 1 && fields[1] == fmt.Sprint(os.Getpid())
		if child || bytes.Contains(env, []byte("PLUGIN_UNIX_SOCKET_DIR=")) && bytes.Contains(env, []byte(mine)) {
			left = append(left, "process "+string(stat))
		}
	}
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), mine+"*"))
	return append(left, dirs...)
}

// pids are those of all processes, where the system tells.
func pids() []int {
	entries, _ := os.ReadDir("/proc")
	var list []int
	for _, e := range entries {
		var pid int
		if _, err := fmt.Sscan(e.Name(), &pid); err == nil {
			list = append(list, pid)
		}
	}
	return list
}

// starts are what a plugin of that name does before it serves.
var starts = map[string]func(){
	"start-hangs":    func() { select {} },
	"start-exits":    func() { os.Exit(7) },
	"start-exits-0":  func() { os.Exit(0) },
	"start-panics":   func() { panic("with " + needle) },
	"start-killed":   func() { suicide() },
	"start-babbles":  func() { fmt.Println("hello, I am a plugin") },
	"start-floods":   func() { flood(os.Stdout, 8<<20); select {} },
	"start-version":  func() { say("1|99|unix|/nowhere|grpc|"); select {} },
	"start-core":     func() { say("7|1|unix|/nowhere|grpc|"); select {} },
	"start-netrpc":   func() { say("1|1|unix|/nowhere|netrpc|"); select {} },
	"start-nowhere":  func() { say("1|1|unix|/nowhere|grpc|"); select {} },
	"start-fields":   func() { say("1|x|y"); select {} },
	"start-bad-cert": func() { say("1|1|unix|/nowhere|grpc|" + strings.Repeat("!", 80)); select {} },
	"start-deaf":     beDeaf,
	"start-plain":    func() { os.Unsetenv("PLUGIN_CLIENT_CERT") }, // and so no TLS
	"start-closes":   func() { os.Stdout.Close(); os.Stderr.Close(); select {} },
	"start-litters":  func() { spawn("sleep", "300"); os.Exit(3) },
	"start-named":    func() { serveUnchecked(evil("../Evil\x1b[31m")) },
	"start-json":     func() { jsonOfAllKinds(os.Stderr); os.Exit(9) },
}

// serveUnchecked is plugins.Serve without what that does for an author.
func serveUnchecked(p plugins.Plugin) {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: handshake.Config,
		VersionedPlugins: map[int]plugin.PluginSet{
			handshake.Protocol: {handshake.Name: &handshake.Plugin{Register: func(s *grpc.Server) { p.Register(s, nil) }}},
		},
		GRPCServer: plugin.DefaultGRPCServer,
	})
	os.Exit(0)
}

func say(line string) { fmt.Println(line) }

func suicide() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }

// flood writes n bytes without the end of a line.
func flood(f *os.File, n int) {
	for chunk := bytes.Repeat([]byte("x"), 64<<10); n > 0; n -= len(chunk) {
		if _, err := f.Write(chunk); err != nil {
			return
		}
	}
}

// jsonOfAllKinds prints lines that readers of log records may trip over.
func jsonOfAllKinds(f *os.File) {
	for _, line := range []string{
		`{"@message":1}`, `{"@level":[],"@message":"x"}`, `{"@timestamp":true}`, `{"@timestamp":"never"}`, `{"msg":1,"level":2,"time":3}`,
		`{"level":"INFO","msg":{"a":1}}`, `{"level":"NONE","msg":"x"}`, `[]`, `null`, `"text"`, `{}`, `{"msg":"m","level":"ERROR","a":{"b":[null,1]}}`, `{"msg":"m","level":"INFO","a":1e999}`,
		`{"msg":"` + needle + `","level":"INFO","k":"` + needle + `"}`, strings.Repeat("[", 100_000), `{"a":`, "\xff\xfe{\x00}", "panic",
	} {
		fmt.Fprintln(f, line)
	}
}

// spawn starts a child in a group of its own, or in ours, that keeps our pipes.
func spawn(name string, args ...string) {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		panic(err)
	}
}

// beDeaf says where it listens, and does not.
func beDeaf() {
	path := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "deaf")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		panic(err)
	}
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}), syscall.Listen(fd, 8)); err != nil {
		panic(err)
	}
	say("1|1|unix|" + path + "|grpc|")
	select {}
}

// An evilConfig says what an evil store does, and in which method.
type evilConfig struct {
	In    string `json:"in"`
	Fault string `json:"fault"`
}

// evil is a store that does what a bad plugin could do.
func evil(name string) plugins.Plugin {
	return plugins.Store(plugins.Info{Name: name, Version: "v1.0.0", About: "evil", Locking: true, Listing: true},
		func(ctx context.Context, o plugins.Opening[evilConfig]) (core.TokenStore, error) {
			s, err := file.New(filepath.Join(o.Dir, "documents"))
			if err != nil {
				return nil, err
			}
			where := fmt.Sprintf("%d\n%s\n", os.Getpid(), os.Getenv("PLUGIN_UNIX_SOCKET_DIR"))
			if err := os.WriteFile(filepath.Join(o.Dir, "where"), []byte(where), 0o600); err != nil {
				return nil, err
			}
			e := &evilStore{Store: s, o: o}
			if err := e.do(ctx, "open"); err != nil {
				return nil, err
			}
			return e, nil
		})
}

// An evilStore is a good one but for its fault.
type evilStore struct {
	*file.Store
	o plugins.Opening[evilConfig]
}

// do does the fault, if it is for method.
func (e *evilStore) do(ctx context.Context, method string) error {
	if e.o.Config.In != method {
		return nil
	}
	if method != "open" {
		_ = os.WriteFile(filepath.Join(e.o.Dir, "reached"), nil, 0o600)
	}
	switch e.o.Config.Fault {
	case "hang":
		select {}
	case "kill":
		suicide()
	case "exit":
		os.Exit(5)
	case "panic":
		panic("with " + needle)
	case "babble":
		babble()
	case "json":
		jsonOfAllKinds(os.NewFile(2, "stderr"))
		jsonOfAllKinds(os.Stderr)
	case "grandchild":
		spawnRaw()
	case "ask":
		return asks(ctx, e.o, 1)
	case "ask-at-once":
		return asks(ctx, e.o, 100)
	case "ask-forever":
		for {
			if _, err := e.o.Ask(ctx, "again?"); ctx.Err() != nil {
				return err
			}
		}
	case "ask-and-hang":
		go func() { _, _ = e.o.Ask(ctx, "anybody?") }()
		select {}
	case "ask-and-die":
		go func() { _, _ = e.o.Ask(context.Background(), "anybody?") }()
		time.Sleep(200 * time.Millisecond)
		os.Exit(4)
	case "ask-unheard":
		go func() { _, _ = e.o.Ask(context.Background(), "anybody?") }()
	}
	return nil
}

// asks puts n questions at once.
func asks(ctx context.Context, o plugins.Opening[evilConfig], n int) error {
	errs := make(chan error)
	for i := range n {
		go func() {
			answer, err := o.Ask(ctx, fmt.Sprintf("question %d", i))
			if err == nil && answer != "answer" {
				err = fmt.Errorf("answered %d bytes", len(answer.Reveal()))
			}
			errs <- err
		}()
	}
	var all error
	for range n {
		if err := <-errs; all == nil {
			all = err
		}
	}
	return all
}

// babble prints to the pipes that the host made, past what Serve put in their
// place, and to those.
func babble() {
	raw := os.NewFile(2, "stderr")
	for i := range 100_000 {
		fmt.Fprintf(raw, "line %d\n", i)
	}
	flood(raw, 4<<20)
	_, _ = raw.Write([]byte("\x00\x01\xff\xfe\n\n\r\n" + needle + "\n-----BEGIN PRIVATE KEY-----\nneedleneedle\n-----END PRIVATE KEY-----\nafter the key\n"))
	fmt.Fprintln(os.NewFile(1, "stdout"), "to the first stdout")
	flood(os.Stdout, 4<<20)
	flood(os.Stderr, 1<<20)
}

// spawnRaw leaves a child that has the pipes of this process.
func spawnRaw() {
	cmd := exec.Command("sleep", "300")
	cmd.Stdout, cmd.Stderr = os.NewFile(1, "stdout"), os.NewFile(2, "stderr")
	if err := cmd.Start(); err != nil {
		panic(err)
	}
}

// Load implements [core.TokenStore].
func (e *evilStore) Load(ctx context.Context, key string) (core.Record, error) {
	if e.o.Config.In == "load" && e.o.Config.Fault == "giant" {
		return core.Record{Data: make([]byte, handshake.MaxMessage+1)}, nil
	}
	if err := e.do(ctx, "load"); err != nil {
		return core.Record{}, err
	}
	return e.Store.Load(ctx, key)
}

// Save implements [core.TokenStore].
func (e *evilStore) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	if err := e.do(ctx, "save"); err != nil {
		return core.Record{}, err
	}
	return e.Store.Save(ctx, key, r)
}

// Lock implements [core.Locker].
func (e *evilStore) Lock(ctx context.Context, key string) (core.Lease, error) {
	if err := e.do(ctx, "lock"); err != nil {
		return nil, err
	}
	l, err := e.Store.Lock(ctx, key)
	if err != nil {
		return nil, err
	}
	return &evilLease{l, e}, nil
}

type evilLease struct {
	core.Lease
	e *evilStore
}

// Release implements [core.Lease].
func (l *evilLease) Release() error {
	if err := l.e.do(context.Background(), "release"); err != nil {
		return err
	}
	return l.Lease.Release()
}

// List implements [core.Lister].
func (e *evilStore) List(ctx context.Context) ([]string, error) {
	if err := e.do(ctx, "list"); err != nil {
		return nil, err
	}
	return e.Store.List(ctx)
}

// Check, SetAside, Path and Protection are the file store's.

// Close implements [io.Closer].
func (e *evilStore) Close() error { return e.do(context.Background(), "close") }
