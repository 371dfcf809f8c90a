package host

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin/runner"

	"github.com/tokentoss/tokentoss/plugins/environment"
)

// drain is how long the output of a process that has ended may still come: a
// child that it left behind can hold the pipes open for good.
const drain = 200 * time.Millisecond

// A command runs a plugin's process for the library, in a process group of its
// own. The library's own way of doing that waits for the pipes, and so for
// whatever has inherited them, for ever; and it hands on the terminal.
type command struct {
	cmd            *exec.Cmd
	stdout, stderr *os.File // the ends that are read
	pipes          []*os.File

	ended  chan struct{} // closed when the process has ended
	err    error         // of the process; after ended
	silent chan struct{} // closed when all of its standard error was read

	mu     sync.Mutex
	pid    int
	killed bool
}

var _ runner.Runner = (*command)(nil)

func newCommand(path string, args, env []string, files []*os.File) (*command, error) {
	c := &command{cmd: exec.Command(path, args...), ended: make(chan struct{}), silent: make(chan struct{})}
	c.cmd.Env, c.cmd.ExtraFiles = env, files
	ownGroup(c.cmd)
	var outW, errW *os.File
	var err error
	if c.stdout, outW, err = os.Pipe(); err != nil {
		return nil, err
	}
	if c.stderr, errW, err = os.Pipe(); err != nil {
		c.stdout.Close()
		outW.Close()
		return nil, err
	}
	c.cmd.Stdout, c.cmd.Stderr = outW, errW
	c.pipes = []*os.File{outW, errW}
	return c, nil
}

// errKilled is the error of a process that was ended before it was started.
var errKilled = errors.New("ended before its start")

// Start implements [runner.Runner].
func (c *command) Start(context.Context) error {
	err := c.start()
	for _, p := range c.pipes {
		p.Close()
	}
	if err != nil {
		c.stdout.Close()
		c.stderr.Close()
		close(c.ended)
		return err
	}
	go c.reap()
	return nil
}

// start starts the process, unless Kill was faster.
func (c *command) start() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killed {
		return errKilled
	}
	environment.KeepFiles()
	if err := c.cmd.Start(); err != nil {
		return err
	}
	c.pid = c.cmd.Process.Pid
	return nil
}

// discard closes the pipes of a process that was never started.
func (c *command) discard() {
	for _, f := range append(c.pipes, c.stdout, c.stderr) {
		f.Close()
	}
}

// reap waits for the process, ends what is left of its group, and closes the
// pipes.
func (c *command) reap() {
	c.err = c.cmd.Wait()
	killGroup(c.cmd.Process)
	time.AfterFunc(drain, func() {
		c.stdout.Close()
		c.stderr.Close()
	})
	close(c.ended)
}

// Wait implements [runner.Runner].
func (c *command) Wait(ctx context.Context) error {
	select {
	case <-c.ended:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Kill implements [runner.Runner].
func (c *command) Kill(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killed = true
	select {
	case <-c.ended: // the number may be another process's by now
	default:
		if c.pid != 0 {
			killGroup(c.cmd.Process)
		}
	}
	return nil
}

// Stdout implements [runner.Runner].
func (c *command) Stdout() io.ReadCloser { return c.stdout }

// Stderr implements [runner.Runner].
func (c *command) Stderr() io.ReadCloser { return &toEnd{ReadCloser: c.stderr, end: c.silent} }

// A toEnd closes end when there is no more to read.
type toEnd struct {
	io.ReadCloser
	once sync.Once
	end  chan struct{}
}

// Read implements [io.Reader].
func (r *toEnd) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil {
		r.once.Do(func() { close(r.end) })
	}
	return n, err
}

// Name implements [runner.Runner].
func (c *command) Name() string { return c.cmd.Path }

// ID implements [runner.Runner].
func (c *command) ID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pid == 0 {
		return ""
	}
	return strconv.Itoa(c.pid)
}

// Diagnose implements [runner.Runner].
func (c *command) Diagnose(context.Context) string { return "" }

// PluginToHost implements [runner.Runner]: both are on one machine.
func (c *command) PluginToHost(network, addr string) (string, string, error) {
	return network, addr, nil
}

// HostToPlugin implements [runner.Runner].
func (c *command) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}
