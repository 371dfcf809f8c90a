// Package plugintest tests a plugin the way it will be used. It runs the
// conformance kits of core over all three carriers: the plugin's own value in this
// process, the same value behind gRPC, and in a process of its own, loaded as
// tokentoss loads it. The author of a store needs these lines:
//
//	func TestMain(m *testing.M) { plugintest.Main(m, pass.Plugin()) }
//
//	func TestConformance(t *testing.T) {
//		plugintest.Store(t, pass.Plugin(), func(t *testing.T) plugins.Request { return plugins.Request{Dir: t.TempDir()} })
//	}
//
// The author of a frontend calls [Frontend] instead, with a [Terminal] or a person
// of their own.
//
// The test's own executable serves the plugin, so that there is nothing to build
// before, and coverage and the race detector see both sides.
package plugintest

import (
	"context"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
	"github.com/tokentoss/tokentoss/plugins/internal/handshake"
)

// Main runs the tests of m, or serves one of the plugins if this process was
// started to do that. Call it from TestMain.
func Main(m *testing.M, list ...plugins.Plugin) { os.Exit(Run(m.Run, list...)) }

// Run is Main for a TestMain that has more to do: it returns the exit code.
func Run(run func() int, list ...plugins.Plugin) int {
	if !handshake.Started() {
		return run()
	}
	for _, p := range list {
		if name := os.Args[len(os.Args)-1]; p.Name == name {
			plugins.Serve(p)
		}
	}
	return 0
}

// A Carrier is a way from the caller to the plugin.
type Carrier string

// The carriers.
const (
	InProcess  Carrier = "in-process"
	GRPC       Carrier = "grpc"
	Executable Carrier = "executable"
)

// Carriers are all of them.
func Carriers() []Carrier { return []Carrier{InProcess, GRPC, Executable} }

// OpenStore opens a store by a carrier. What carries it ends with t; with
// [Executable], Main must have been called.
func OpenStore(t testing.TB, c Carrier, p plugins.Plugin, r plugins.Request) (core.TokenStore, error) {
	t.Helper()
	use := host.Use{Plugin: p.Name, Request: r}
	switch c {
	case InProcess:
		return p.OpenStore(t.Context(), r)
	case GRPC:
		return host.StoreOver(t.Context(), serve(t, p, r.Log), use)
	}
	h := &host.Host{Dir: t.TempDir(), Bundled: []plugins.Plugin{p}, Log: r.Log}
	return h.OpenStore(t.Context(), use)
}

// OpenFrontend opens a frontend by a carrier; see [OpenStore].
func OpenFrontend(t testing.TB, c Carrier, p plugins.Plugin, r plugins.Request) (core.Frontend, error) {
	t.Helper()
	use := host.Use{Plugin: p.Name, Request: r}
	switch c {
	case InProcess:
		return p.OpenFrontend(t.Context(), r)
	case GRPC:
		return host.FrontendOver(serve(t, p, r.Log), use), nil
	}
	h := &host.Host{Dir: t.TempDir(), Bundled: []plugins.Plugin{p}, Log: r.Log}
	return h.OpenFrontend(use)
}

// Serve serves a plugin in this process and returns a connection to it. Both end
// with t.
func Serve(t testing.TB, p plugins.Plugin) *grpc.ClientConn {
	t.Helper()
	return serve(t, p, nil)
}

func serve(t testing.TB, p plugins.Plugin, log *slog.Logger) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(append(handshake.ServerOptions(), grpc.WaitForHandlers(true))...)
	p.Register(server, log)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	conn, err := grpc.NewClient("passthrough:///plugin",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		serving.Wait()
	})
	return conn
}

// Store runs [storetest.Run] over every carrier, until one fails: what is wrong with
// the store itself is said once. Each call of place must return a place that is empty;
// its Request is used again to open the place a second time.
//
// Capabilities that the plugin does not declare are not checked; it is an error if the
// store has them all the same.
func Store(t *testing.T, p plugins.Plugin, place func(t *testing.T) plugins.Request, opts ...storetest.Option) {
	t.Helper()
	all := opts
	if !p.Locking {
		all = append([]storetest.Option{storetest.SkipLocking("plugin " + p.Name + " does not declare it")}, all...)
	}
	if !p.Listing {
		all = append([]storetest.Option{storetest.SkipListing("plugin " + p.Name + " does not declare it")}, all...)
	}
	if !t.Run("Declared", func(t *testing.T) { checkDeclared(t, p, place(t)) }) {
		return
	}
	for _, c := range Carriers() {
		if !t.Run(string(c), func(t *testing.T) { runStore(t, c, p, place, all) }) {
			return
		}
	}
}

func runStore(t *testing.T, c Carrier, p plugins.Plugin, place func(t *testing.T) plugins.Request, opts []storetest.Option) {
	places := &opened{by: make(map[core.TokenStore]plugins.Request)}
	open := func(t *testing.T, r plugins.Request) core.TokenStore {
		s, err := OpenStore(t, c, p, r)
		if err != nil {
			t.Fatalf("opening the store of plugin %s: %v", p.Name, err)
		}
		places.put(s, r)
		return s
	}
	reopen := storetest.WithReopen(func(t *testing.T, first core.TokenStore) core.TokenStore { return open(t, places.of(first)) })
	storetest.Run(t, func(t *testing.T) core.TokenStore { return open(t, place(t)) }, append([]storetest.Option{reopen}, opts...)...)
}

// checkDeclared finds a capability that the store has and the plugin does not declare,
// so that nobody uses it: a plugin that declares it can be opened.
func checkDeclared(t *testing.T, p plugins.Plugin, r plugins.Request) {
	for _, capability := range []struct {
		name     string
		declared *bool
		has      func(core.TokenStore) bool
	}{
		{"Locking, which makes it a core.Locker", &p.Locking, func(s core.TokenStore) bool { _, ok := s.(core.Locker); return ok }},
		{"Listing, which makes it a core.Lister", &p.Listing, func(s core.TokenStore) bool { _, ok := s.(core.Lister); return ok }},
	} {
		if *capability.declared {
			continue
		}
		*capability.declared = true
		s, err := p.OpenStore(t.Context(), r)
		*capability.declared = false
		if err != nil {
			continue // it has none
		}
		has := capability.has(s)
		if err := core.Full(s).Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
		if has {
			t.Fatalf("the store of plugin %s can do what its plugins.Info does not declare, so that nobody uses it: set %s, or take the method away", p.Name, capability.name)
		}
	}
}

// opened remembers where stores were opened.
type opened struct {
	mu sync.Mutex
	by map[core.TokenStore]plugins.Request
}

func (o *opened) put(s core.TokenStore, r plugins.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.by[s] = r
}

func (o *opened) of(s core.TokenStore) plugins.Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.by[s]
}
