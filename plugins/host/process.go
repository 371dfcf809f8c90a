package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins/internal/handshake"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

const (
	// startTimeout is how long a plugin may take until it answers.
	startTimeout = 10 * time.Second

	// endTimeout is how long a plugin may take to end before it is ended.
	endTimeout = 2 * time.Second
)

// A program is an executable that serves a plugin.
type program struct {
	name string // of the plugin
	path string
	args []string

	// self is set for this very executable, which is running: it is trusted.
	self bool

	// sha256 is what the file of another must have.
	sha256 string
}

// check tells whether the program may be executed.
func (p program) check() error {
	if p.self {
		return nil
	}
	if err := checkTrusted(p.path); err != nil {
		return err
	}
	return checkSum(p.path, p.sha256)
}

// A process is a plugin's process, connected.
type process struct {
	name    string
	conn    *grpc.ClientConn
	client  *plugin.Client
	command *command
	stderr  *stderrReader
	sockets string
	log     *slog.Logger
	late    atomic.Bool // it was not connected in time
}

// start starts a program after it was checked, and connects to it. The process
// ends with close, or with this process.
func start(ctx context.Context, p program, env []string, files []*os.File, log *slog.Logger) (*process, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	own, err := handshake.NewCertificate()
	if err != nil {
		return nil, &fault.Error{Subject: "plugin " + p.name, Problem: "no certificate can be made for it", Err: err, Kind: core.ErrUnavailable}
	}
	sockets, err := socketDir()
	if err != nil {
		return nil, &fault.Error{Subject: "plugin " + p.name, Problem: "there is no place for its socket", Err: err, Kind: core.ErrUnavailable}
	}
	cmd, err := newCommand(p.path, p.args, env, files)
	if err != nil {
		removeSocketDir(sockets)
		return nil, &fault.Error{Subject: "plugin " + p.name, Problem: "it cannot be started", Err: bare(err), Kind: core.ErrUnavailable}
	}
	stderr := newStderrReader(log)
	stderr.speaker = "plugin " + p.name + ": "
	log = log.With("plugin", p.name)
	proc := &process{name: p.name, command: cmd, stderr: stderr, sockets: sockets, log: log}
	proc.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  handshake.Config,
		VersionedPlugins: map[int]plugin.PluginSet{handshake.Protocol: {handshake.Name: &handshake.Plugin{}}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		RunnerFunc: func(_ hclog.Logger, made *exec.Cmd, _ string) (runner.Runner, error) {
			cmd.cmd.Env = append(append(cmd.cmd.Env, made.Env...), handshake.ClientCertificate+"="+handshake.PEM(own))
			return cmd, nil
		},
		TLSConfig:    handshake.HostTLS(own),
		SkipHostEnv:  true,
		StartTimeout: startTimeout,
		Stderr:       proc.stderr,
		// The library takes JSON of any form on standard error for its own, and a
		// field of the wrong type ends this program. It does not look at all when
		// its logger is off; one that discards is not.
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard}),
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: sockets},
		GRPCDialOptions:  handshake.DialOptions(),
	})
	if proc.conn, err = proc.connect(ctx); err != nil {
		proc.close()
		return nil, proc.startError(ctx, err)
	}
	log.Debug("plugin started", "path", p.path, "pid", cmd.ID())
	return proc, nil
}

// connect starts the process and waits for its handshake, or for ctx to end. The
// library's own timeout is that of the handshake's first line; the rest has none.
func (p *process) connect(ctx context.Context) (*grpc.ClientConn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err // what follows would kill it, though perhaps after its start
	}
	stop := context.AfterFunc(ctx, func() { _ = p.command.Kill(ctx) })
	defer stop()
	timer := time.AfterFunc(startTimeout, func() { p.late.Store(true); _ = p.command.Kill(ctx) })
	defer timer.Stop()
	protocol, err := p.client.Client()
	if err != nil {
		return nil, err
	}
	conn, err := protocol.Dispense(handshake.Name)
	if err != nil {
		return nil, err
	}
	// The library is content with a connection that was refused.
	if !stop() || !timer.Stop() {
		return nil, errKilled
	}
	return conn.(*grpc.ClientConn), nil
}

// startError says in this program's words why a plugin did not start. What the
// plugin printed is quoted only as far as it cannot be a secret.
func (p *process) startError(ctx context.Context, err error) error {
	e := &fault.Error{
		Subject: "plugin " + p.name, Kind: core.ErrUnavailable, Problem: "it did not start",
		Remedy: fault.ShowLog.On(""),
	}
	text := err.Error()
	var pe *fs.PathError
	switch {
	case errors.As(err, &pe):
		e.Problem, e.Err = "it cannot be executed", pe.Err
	case ctx.Err() != nil:
		e.Problem, e.Err = "it had not started", ctx.Err()
	case p.late.Load(), strings.Contains(text, "timeout while waiting"):
		e.Problem = fmt.Sprintf("it did not answer within %s of its start", startTimeout)
	case p.stderr.crash() != "":
		e.Problem = "it crashed at its start: " + short(p.stderr.crash())
	case strings.Contains(text, "incompatible API version"), strings.Contains(text, "incompatible core API version"):
		e.Problem = fmt.Sprintf("it speaks another version of the protocol; this tokentoss speaks %d", handshake.Protocol)
		e.Remedy = fault.Say("update the plugin, or tokentoss")
	case strings.Contains(text, "Failed to read any lines"), strings.Contains(text, "exited before"):
		e.Problem = "it ended at once" + p.exit()
	case strings.Contains(text, "Unrecognized remote plugin message"):
		e.Problem = "it is no plugin of tokentoss's: it does not begin with a handshake"
	default:
		e.Err = errors.New(short(wire.Redact(text)))
	}
	return e
}

// exit describes how the process ended, if it did.
func (p *process) exit() string {
	select {
	case <-p.command.ended:
		if err := p.command.err; err != nil {
			return ", with " + err.Error()
		}
		return ", with exit status 0"
	default:
		return ""
	}
}

// gone says why a call had no answer.
func (p *process) gone(op string) *fault.Error {
	e := &fault.Error{Subject: "plugin " + p.name, Kind: core.ErrUnavailable, Problem: op + ": it gave no answer", Remedy: fault.ShowLog.On("")}
	// The connection may be noticed to be gone before the process is.
	select {
	case <-p.command.ended:
		e.Problem = op + ": it ended" + p.exit()
		select { // what it said last
		case <-p.command.silent:
		case <-time.After(drain):
		}
	case <-time.After(drain):
	}
	if crash := p.stderr.crash(); crash != "" {
		e.Problem = op + ": it crashed: " + short(crash)
	}
	return e
}

// close ends the process, first in its own good time. It returns when the process
// has ended and nothing of it is left.
func (p *process) close() {
	timer := time.AfterFunc(endTimeout, func() { _ = p.command.Kill(context.Background()) })
	defer timer.Stop()
	p.client.Kill()
	if p.command.ID() == "" { // never started
		p.command.discard()
	}
	removeSocketDir(p.sockets)
	p.log.Debug("plugin ended")
}

// short bounds a text of a plugin's.
func short(s string) string {
	const most = 200
	if s = strings.Join(strings.Fields(s), " "); len(s) > most {
		return s[:most] + "..."
	}
	return s
}
