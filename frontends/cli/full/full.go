// Package full has what only tokentoss-host has, since it links more than a light
// executable should: plugins, the stores that are loaded as such, and the emulator.
package full

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/frontends/cli/full/nobus"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
	"github.com/tokentoss/tokentoss/profile"
)

// serveCommand makes this executable serve one of its own plugins, by the name
// that follows. It is for package plugins/host, not for people.
const serveCommand = "serve-plugin"

// Main runs tokentoss-host, or serves one of its plugins, and returns the exit
// code.
func Main() int {
	nobus.Restore()
	if len(os.Args) > 2 && os.Args[1] == cli.RunCommand {
		return serveRun(os.Args[2], os.Args[3:])
	}
	if len(os.Args) == 3 {
		switch os.Args[1] {
		case serveCommand:
			return servePlugin(os.Args[2])
		case cli.AgentCommand:
			return serveAgent(os.Args[2])
		}
	}
	return cli.Main(everything())
}

// everything is what the light executable has not.
func everything() *cli.Full {
	return &cli.Full{
		Doctor: runDoctor, Emulator: runEmulator, Tunnel: runTunnel, Forward: runForward, Demo: runDemo, RPC: runRPC, Hub: runHub,
		RunFrontend: runFrontend, Plugins: plugin{}, MCP: mcpBridge{}, Helpers: helpers{},
		Names: names, OpenStore: openStore, OpenFlow: openFlow, OpenFrontend: openLogin,
	}
}

// servePlugin serves a bundled plugin.
func servePlugin(name string) int {
	for _, p := range bundled() {
		if p.Name == name {
			plugins.Serve(p)
			return 0
		}
	}
	return 2
}

// newHost returns what loads plugins for the configuration directory dir.
func newHost(dir string, log *slog.Logger) *host.Host {
	return &host.Host{Dir: dir, Bundled: bundled(), Serve: []string{serveCommand}, Log: log}
}

// openStore opens a store that is a plugin.
func openStore(ctx context.Context, in *cli.Invocation, name string, p profile.Place) (core.TokenStore, error) {
	return openPlugin(ctx, newHost(p.Dir, in.Logger()), name, p, in.Ask)
}

// openPlugin opens a store by h. Without ask there is nobody whom it could ask.
func openPlugin(ctx context.Context, h *host.Host, name string, p profile.Place, ask func(context.Context, string) (core.Secret, error)) (core.TokenStore, error) {
	use, err := host.ParseUse(name, p.Settings)
	if err != nil {
		return nil, err
	}
	use.Ask = ask
	s, err := h.OpenStore(ctx, use)
	var unknown *host.UnknownError
	if errors.As(err, &unknown) {
		return nil, &profile.UnknownStoreError{Name: unknown.Name, Known: storeNames(h)}
	}
	return s, err
}
