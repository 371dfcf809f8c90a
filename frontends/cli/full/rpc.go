package full

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/frontends/notebook"
	"github.com/tokentoss/tokentoss/frontends/notebook/rpc"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/agent"
	"github.com/tokentoss/tokentoss/plugins/host"
	"github.com/tokentoss/tokentoss/profile"
)

// endTimeout is how long rpc may take to end. A refresh that is under way is waited
// for, since its outcome must not be lost.
const endTimeout = 45 * time.Second

// runRPC serves sessions to the program that started this one, until that ends.
func runRPC(ctx context.Context, in *cli.Invocation) error {
	dir, err := in.Dir()
	if err != nil {
		return err
	}
	ctx, stop := whileAsked(ctx, endTimeout)
	defer stop()
	r := &rpcOpener{in: in, dir: dir}
	return rpc.Serve(ctx, in.Stdin, in.Stdout, rpc.Host{
		Version: in.App.Version, Dir: dir, Profile: in.String("profile"), Store: in.String("store"),
		RemoteHint: remoteHint(dir), OpenStore: r.openStore, OpenFlow: r.openFlow, Frontend: r.openFrontend, Log: in.Logger(),
	})
}

// remoteHint tells whether the browser is likely to be on another machine. Settings
// that cannot be read are the error of who opens a session.
func remoteHint(dir string) bool {
	settings := make(map[string]any)
	if config, err := profile.ReadConfig(dir); err == nil {
		maps.Copy(settings, config.Frontends[notebook.Name])
	}
	setRemote(settings)
	return settings["remote"] == true
}

// An rpcOpener opens stores and frontends for rpc, which has no terminal.
type rpcOpener struct {
	in  *cli.Invocation
	dir string
}

// openStore opens a store by the agent if one runs, which may have been told a
// passphrase, or else as a plugin of this process. It starts no agent: that would
// outlive this process.
func (r *rpcOpener) openStore(ctx context.Context, name string, p profile.Place) (core.TokenStore, error) {
	s, err := cli.OpenByRunningAgent(ctx, name, p)
	if !errors.Is(err, agent.ErrNoAgent) && !errors.Is(err, agent.ErrUnknownStore) {
		return s, err
	}
	return openPlugin(ctx, newHost(p.Dir, r.in.Logger()), name, p, nil)
}

// openFlow opens the flow of a machine's profile.
func (r *rpcOpener) openFlow(s profile.Settings, _ profile.Place) (core.Flow, error) {
	return openFlow(r.in, s)
}

// openFrontend opens the frontend behind the views of a session.
func (r *rpcOpener) openFrontend(p *profile.Profile, t plugins.Terminal) (core.Frontend, error) {
	settings := maps.Clone(p.FrontendSettings(notebook.Name))
	if settings == nil {
		settings = make(map[string]any)
	}
	settings["protocol"] = notebook.Protocol
	if p.FixedClient {
		settings["fixed_client"], settings["remote"] = true, p.Hub == "" // visitors are elsewhere
	} else if p.Hub == "" { // whose address the browser reaches
		setRemote(settings)
	}
	use, err := host.ParseUse(notebook.Name, settings)
	if err != nil {
		return nil, err
	}
	use.Terminal = t
	return newHost(r.dir, r.in.Logger()).OpenFrontend(use)
}
