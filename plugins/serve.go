package plugins

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/parent"
	"github.com/tokentoss/tokentoss/plugins/internal/handshake"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
	"github.com/tokentoss/tokentoss/plugins/protect"
)

// Serve serves a plugin to the tokentoss that started this process, and returns
// when that wants it to end. It ends the process when tokentoss died.
//
// Started by hand, the executable says what it is; with the argument "describe" it
// says so in JSON. With the argument "debug", under a debugger, it waits for a tokentoss
// that has [environment.ReattachVariable] set to what it prints.
//
// No other program of the user can read the memory of a plugin that is served, unless
// [protect.DebugVariable] is set.
func Serve(p Plugin) {
	if err := p.check(); err != nil {
		fmt.Fprintln(os.Stderr, "this plugin cannot be served:", err)
		os.Exit(1)
	}
	if !handshake.Started() {
		if len(os.Args) == 2 && os.Args[1] == "debug" {
			os.Exit(p.debug(os.Stdout, os.Stderr))
		}
		os.Exit(p.introduce(os.Args[1:], os.Stdout, os.Stderr))
	}
	open := protect.Plugin()
	// The library puts pipes into the place of both streams while it serves. Our
	// log keeps to the stream that the host reads.
	log := newLogger(os.Stderr)
	if open {
		log.Warn("other programs can read the memory of this plugin", "since", protect.DebugVariable+" is set")
	}
	go endWithParent()
	config := p.serveConfig(log)
	if err := secure(config); err != nil {
		log.Error("there is no certificate to serve with", "error", err)
		os.Exit(1)
	}
	plugin.Serve(config)
}

// serveConfig is what the library serves the plugin by.
func (p Plugin) serveConfig(log *slog.Logger) *plugin.ServeConfig {
	return &plugin.ServeConfig{
		HandshakeConfig: handshake.Config,
		VersionedPlugins: map[int]plugin.PluginSet{
			handshake.Protocol: {handshake.Name: &handshake.Plugin{Register: func(s *grpc.Server) { p.Register(s, log) }}},
		},
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(o, handshake.ServerOptions()...)...)
		},
		Logger: hclog.NewNullLogger(),
	}
}

// Started tells whether this process was started to serve a plugin, for a program
// that also does something else.
func Started() bool { return handshake.Started() }

// check finds what an author has to mend.
func (p Plugin) check() error {
	if err := core.CheckKey(p.Name); err != nil {
		return fmt.Errorf("its name %w", err)
	}
	if p.store == nil && p.frontend == nil {
		return fmt.Errorf("%s was made neither by plugins.Store nor by plugins.Frontend", p.Name)
	}
	return nil
}

// A Description is what "EXECUTABLE describe" prints.
type Description struct {
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	About    string    `json:"about,omitempty"`
	Kind     Kind      `json:"kind"`
	Protocol int       `json:"protocol"`
	Locking  bool      `json:"locking,omitempty"`
	Listing  bool      `json:"listing,omitempty"`
	Settings []Setting `json:"settings,omitempty"`
}

// Describe returns all that is known of a plugin without opening it.
func (p Plugin) Describe() Description {
	return Description{
		Name: p.Name, Version: p.Version, About: p.About, Kind: p.Kind, Protocol: handshake.Protocol,
		Locking: p.Locking, Listing: p.Listing, Settings: p.Settings,
	}
}

// introduce answers a person who started the executable, and returns the exit
// code.
func (p Plugin) introduce(args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 && args[0] == "describe" {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		if enc.Encode(p.Describe()) != nil {
			return 1
		}
		return 0
	}
	fmt.Fprintf(stderr, "%s %s: a %s for tokentoss, which starts it\nhint: tokentoss plugin install %s\n", p.Name, p.Version, p.Kind, os.Args[0])
	return 2
}

// Register adds the plugin's services to a server that is not [Serve]'s own, as
// tests have one.
func (p Plugin) Register(s *grpc.Server, log *slog.Logger) {
	pb.RegisterPluginServiceServer(s, &describer{plugin: p})
	if p.store != nil {
		pb.RegisterStoreServiceServer(s, newStoreServer(p, log))
	}
	if p.frontend != nil {
		pb.RegisterFrontendServiceServer(s, &frontendServer{plugin: p, log: log})
	}
}

// A describer answers what the plugin is.
type describer struct {
	pb.UnimplementedPluginServiceServer
	plugin Plugin
}

func (d *describer) Describe(context.Context, *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	p := d.plugin
	m := &pb.DescribeResponse{Name: p.Name, Version: p.Version, About: p.About, Kind: kinds[p.Kind], Capabilities: p.capabilities()}
	for _, s := range p.Settings {
		m.Settings = append(m.Settings, &pb.Setting{Name: s.Name, Type: s.Type, About: s.Words()})
	}
	return m, nil
}

var kinds = map[Kind]pb.Kind{KindStore: pb.Kind_KIND_STORE, KindFrontend: pb.Kind_KIND_FRONTEND}

func (p Plugin) capabilities() []pb.Capability {
	var list []pb.Capability
	if p.Locking {
		list = append(list, pb.Capability_CAPABILITY_LOCKING)
	}
	if p.Listing {
		list = append(list, pb.Capability_CAPABILITY_LISTING)
	}
	return list
}

// endWithParent ends this process when the one that started it has ended. A parent that
// died before it was known who it is reads no handshake, and the broken pipe ends this
// process.
func endWithParent() {
	alive, _ := parent.With(context.Background()) // until the end
	<-alive.Done()
	os.Exit(0)
}
