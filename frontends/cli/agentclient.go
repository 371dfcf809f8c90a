package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/agent"
	"github.com/tokentoss/tokentoss/plugins/environment"
	"github.com/tokentoss/tokentoss/plugins/protect"
	"github.com/tokentoss/tokentoss/profile"
)

// AgentCommand makes tokentoss-host an agent, for the configuration directory that
// follows. It is for this program, not for people.
const AgentCommand = "serve-agent"

// openByAgent opens a store by the agent, which is started where there is none.
// The error wraps [agent.ErrNoAgent] where the person or the system wants none.
func openByAgent(ctx context.Context, name string, p profile.Place, ask func(context.Context, string) (core.Secret, error), log *slog.Logger) (core.TokenStore, error) {
	idle, err := p.Config.AgentIdle()
	if err != nil {
		return nil, err
	}
	if idle == 0 || os.Getenv(environment.ReattachVariable) != "" {
		return nil, agent.ErrNoAgent
	}
	c := &agent.Client{
		Dir: p.Dir, Ask: ask, Start: func(string) error { return startAgent(p, idle) },
		Environ: storeEnviron(p), Log: log,
	}
	return c.Open(ctx, name, p.Profile)
}

// storeEnviron is what a store may see of this process's environment: the usual, and
// what its table in config.toml names.
func storeEnviron(p profile.Place) []string {
	var names []string
	list, _ := p.Settings["env"].([]any) // what is wrong with it is said when it is opened
	for _, v := range list {
		if name, ok := v.(string); ok {
			names = append(names, name)
		}
	}
	return environment.Allowed(os.Environ(), append(names, protect.DebugVariable)...)
}

// startAgent starts an agent that outlives this process. It has no terminal and
// no files of this one's: whoever waits for this one's output must not wait for
// the agent.
func startAgent(p profile.Place, idle time.Duration) error {
	host, err := hostPath()
	if err != nil {
		return err
	}
	cmd := exec.Command(host, AgentCommand, p.Dir)
	// What a store may see comes with each call: the agent outlives this environment.
	cmd.Env = append(environment.Allowed(os.Environ()), profile.EnvAgentIdle+"="+idle.String())
	cmd.Dir = "/"
	ownSession(cmd)
	environment.KeepFiles()
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}

// StoreOpener returns what opens stores that are not built in, for
// [profile.Options]: by the agent, or by itself where there is no agent and this is
// the host.
func (in *Invocation) StoreOpener(ctx context.Context) func(string, profile.Place) (core.TokenStore, error) {
	return func(name string, p profile.Place) (core.TokenStore, error) {
		var log *slog.Logger
		if in.Bool("verbose") {
			log = in.Logger()
		}
		s, err := openByAgent(ctx, name, p, in.asker(), log)
		if !errors.Is(err, agent.ErrNoAgent) && !errors.Is(err, agent.ErrUnknownStore) {
			return s, err
		}
		if in.full == nil {
			return nil, &profile.UnknownStoreError{Name: name}
		}
		return in.full.OpenStore(ctx, in, name, p)
	}
}

// OpenByRunningAgent opens a store by the agent, for a program that asks nobody. The
// error wraps [agent.ErrNoAgent] where none runs. One that ends meanwhile is started
// again.
func OpenByRunningAgent(ctx context.Context, name string, p profile.Place) (core.TokenStore, error) {
	idle, err := p.Config.AgentIdle()
	if err != nil {
		return nil, err
	}
	if idle == 0 {
		return nil, agent.ErrNoAgent
	}
	c := &agent.Client{Dir: p.Dir, Environ: storeEnviron(p)}
	s, err := c.Open(ctx, name, p.Profile)
	c.Start = func(string) error { return startAgent(p, idle) }
	return s, err
}

// asker returns what asks the person, or nil where nobody may be asked.
func (in *Invocation) asker() func(context.Context, string) (core.Secret, error) {
	if !in.interactive() {
		return nil
	}
	return in.Ask
}

// askHidden asks for what must not be seen, on the terminal of this process.
func askHidden(ctx context.Context, stderr io.Writer, question string) (core.Secret, error) {
	tty, err := os.OpenFile(ttyName, os.O_RDWR, 0)
	if err != nil {
		return "", fmt.Errorf("%w: there is no terminal to ask on", core.ErrSealed)
	}
	defer tty.Close()
	var show io.Writer = tty
	if isTerminal(stderr) {
		show = stderr
	}
	fmt.Fprint(show, prefix+oneLine(question)+" (not shown): ")
	line, err := readHidden(ctx, int(tty.Fd()))
	fmt.Fprintln(show)
	return core.Secret(line), err
}
