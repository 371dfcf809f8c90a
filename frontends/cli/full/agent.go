package full

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/frontends/http/metrics"
	"github.com/tokentoss/tokentoss/plugins/agent"
	"github.com/tokentoss/tokentoss/plugins/host"
	"github.com/tokentoss/tokentoss/profile"
)

// serveAgent keeps the stores of a configuration directory open until nobody
// needs them, and returns the exit code. It says nothing: there is nobody to read
// it, and those who call get their errors.
func serveAgent(dir string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	socket, err := agent.Socket(dir)
	if err != nil {
		return 1
	}
	config, err := profile.ReadConfig(dir)
	if err != nil {
		return 1
	}
	idle, err := config.AgentIdle()
	if err != nil {
		return 1
	}
	executable, err := os.Executable()
	if err != nil {
		return 1
	}
	// An agent without metrics is better than none: another one may have the address.
	monitor := agentMonitor(dir, config)
	if monitor.Start(ctx, nil) == nil {
		defer monitor.Stop()
	}
	log, closeLog := agentLog(dir, config)
	defer closeLog()
	s := &agent.Server{
		Observe: monitor.Call, Log: log,
		Socket: socket, Idle: idle, Executable: executable,
		Watched: []string{filepath.Join(dir, profile.ConfigName), filepath.Join(dir, host.LockName)},
		Open:    func(ctx context.Context, o agent.Opening) (core.TokenStore, error) { return openForAgent(ctx, dir, o) },
	}
	if s.Run(ctx) != nil {
		return 1
	}
	return 0
}

// agentLog opens the agent's log: one that cannot be written is passed over, as metrics are.
func agentLog(dir string, config *profile.Config) (log *slog.Logger, end func()) {
	if config.AgentLog == "" {
		return nil, func() {}
	}
	path, err := privatefile.Resolve(config.AgentLog, dir)
	if err != nil {
		return nil, func() {}
	}
	f, err := privatefile.OpenLog(path)
	if err != nil {
		return nil, func() {}
	}
	return slog.New(slog.NewJSONHandler(f, nil)), func() { _ = f.Close() }
}

// agentMonitor returns what gives the agent's metrics, nil where they are not wanted or cannot be had.
func agentMonitor(dir string, config *profile.Config) *metrics.Monitor {
	bearer := config.AgentBearer
	if bearer != "" {
		var err error
		if bearer, err = privatefile.Resolve(bearer, dir); err != nil {
			return nil
		}
	}
	monitor, _ := metrics.New(config.AgentMetrics, bearer, nil)
	return monitor
}

// openForAgent opens a store as a command would.
func openForAgent(ctx context.Context, dir string, o agent.Opening) (core.TokenStore, error) {
	config, err := profile.ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	use, err := host.ParseUse(o.Name, config.Stores[o.Name])
	if err != nil {
		return nil, err
	}
	use.Ask, use.Environ = o.Ask, o.Environ
	s, err := newHost(dir, o.Log).OpenStore(ctx, use)
	var unknown *host.UnknownError
	if errors.As(err, &unknown) {
		err = fmt.Errorf("%w: %w", agent.ErrUnknownStore, err)
	}
	return s, err
}
