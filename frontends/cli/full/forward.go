package full

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/forward"
	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/profile"
)

const (
	// sshEnd is how long ssh may take to end, once it was told to.
	sshEnd = 5 * time.Second

	// remoteMark begins the line by which the other side says where its socket may be.
	remoteMark = "tokentoss-forward "
)

// remoteScript makes a private directory of a fresh name for the socket, says where it
// is and which tokentoss there is, and takes it away when the connection ends. It has
// no single quotes, so that any shell passes it on to sh whole.
const remoteScript = `umask 077
b=$HOME/.cache/tokentoss/forward
mkdir -p "$b" && chmod 700 "$b" && d=$(mktemp -d "$b/XXXXXXXX") || exit 1
trap "rm -rf \"$d\"" EXIT
touch "$d/room" && rm "$d/room" || exit 1
trap "exit 1" HUP INT TERM PIPE
v=$(tokentoss --version 2>/dev/null) || v=none
printf "` + remoteMark + `%s\n%s\n" "$d" "$v"
cat >/dev/null`

// runForward lends the session by a socket that ssh forwards, until ssh ends, ctx ends,
// or the time is over.
func runForward(ctx context.Context, in *cli.Invocation, o cli.ForwardOptions) (err error) {
	p, err := in.Open(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	hello, err := lentBy(ctx, in, p, o)
	if err != nil {
		return err
	}
	if o.Lifetime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Lifetime)
		defer cancel()
	}
	l, remove, err := listenForward(o.Dir)
	if err != nil {
		return err
	}
	defer remove()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	to := "what mounts " + o.Dir
	if o.Dir == "" {
		s, failed := connect(ctx, in, o, l.Addr().String())
		if failed != nil {
			return failed
		}
		defer s.stop()
		to = o.Host
		go func() { // ends with ssh, which stop ends
			<-s.ended
			cancel()
		}()
		defer func() {
			if err == nil && s.failed() {
				err = fmt.Errorf("the connection to %s ended", o.Host)
			}
		}()
	}
	options := forward.Options{Hello: hello, Allow: allowForward(in, o.Confirm), Used: func(r forward.Request) {
		in.Logger().Debug("gave a token", "program", r.Program, "host", r.Host)
	}}
	if o.Requests {
		proxy, err := newRequestProxy(ctx, in, p, hello.Targets)
		if err != nil {
			return err
		}
		defer proxy.Close()
		options.Open = openRequests(proxy)
	}
	in.Say("%s has the session of %s for %s until this ends", to, hello.Email, strings.Join(hello.Targets, ", "))
	return forward.Serve(ctx, l, p, options)
}

// listenForward makes a socket in a private directory of a fresh name: below dir, or
// where the user's sockets are. remove takes both away.
func listenForward(dir string) (l net.Listener, remove func(), err error) {
	if dir == "" {
		dir, err = privatefile.RuntimeDir()
	} else {
		err = privatefile.MakeDir(dir, true)
	}
	if err != nil {
		return nil, nil, err
	}
	if dir, err = os.MkdirTemp(dir, "f"); err != nil {
		return nil, nil, err
	}
	socket := filepath.Join(dir, forward.SocketName)
	if l, err = net.Listen("unix", socket); err == nil {
		err = os.Chmod(socket, 0o600)
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, nil, fmt.Errorf("a socket in %s: %w", dir, err)
	}
	return l, func() {
		_ = l.Close()
		_ = os.RemoveAll(dir)
	}, nil
}

// connect has ssh forward the socket.
func connect(ctx context.Context, in *cli.Invocation, o cli.ForwardOptions, socket string) (*sshSession, error) {
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		return nil, &fault.Error{Subject: "ssh", Kind: fault.NotFound, Problem: "it is not on PATH", Remedy: fault.Install.On("OpenSSH's client")}
	}
	control := filepath.Join(filepath.Dir(socket), "c")
	s := &sshSession{path: ssh, host: o.Host, options: append(o.SSH, "-o", "ControlPath="+control), stderr: in.Stderr}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	if err := s.forward(ctx, socket); err != nil {
		s.stop()
		return nil, err
	}
	switch own := "tokentoss version " + in.App.Version; {
	case s.version == "none":
		in.Warn("there is no tokentoss on %s, where commands of ssh look", o.Host)
	case s.version != own:
		in.Say("there it is %s, and here %s", s.version, own)
	}
	return s, nil
}

// lentBy checks that there is something to lend, and says what it is.
func lentBy(ctx context.Context, in *cli.Invocation, p *profile.Profile, o cli.ForwardOptions) (forward.Hello, error) {
	targets := o.Targets
	if len(targets) == 0 {
		targets = p.Settings.Targets
	}
	if len(targets) == 0 {
		return forward.Hello{}, cli.Usage("--for https://my-service.run.app", "forward: for which service is the session lent?")
	}
	if _, err := p.Transport(targets...); err != nil {
		return forward.Hello{}, err
	}
	id, err := p.IDToken(ctx)
	if err != nil {
		return forward.Hello{}, err
	}
	st, err := p.Status(ctx)
	if err != nil {
		return forward.Hello{}, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "the machine that the session is of"
	}
	h := forward.Hello{Release: in.App.Version, Host: host, Email: st.Email, Issuer: st.Issuer, Client: id.Audience, Targets: targets}
	if o.Lifetime > 0 {
		h.Ends = time.Now().Add(o.Lifetime)
	}
	return h, nil
}

// An sshSession is the person's own ssh to the other machine.
type sshSession struct {
	path, host string
	options    []string
	stderr     io.Writer

	cmd     *exec.Cmd
	stdin   io.Closer
	ended   chan struct{} // closed when ssh has ended
	err     error         // how
	dir     string        // of the socket, at the other side
	version string        // of tokentoss there
}

// start connects, with whatever ssh asks the person at the terminal, and learns where
// the socket may be.
func (s *sshSession) start(ctx context.Context) error {
	args := append([]string{"-T", "-o", "ControlMaster=yes", "-o", "ControlPersist=no", "-o", "ExitOnForwardFailure=yes", "-o", "RemoteCommand=none"}, s.options...)
	s.cmd = exec.CommandContext(ctx, s.path, append(args, s.host, "exec sh -c '"+remoteScript+"'")...)
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(os.Interrupt) }
	s.cmd.WaitDelay, s.cmd.Stderr = sshEnd, s.stderr
	var err error
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() { // what a login shell says comes first
		if dir, ok := strings.CutPrefix(lines.Text(), remoteMark); ok && lines.Scan() {
			s.dir, s.version = dir, fault.Line(lines.Text())
			break
		}
	}
	s.ended = make(chan struct{})
	go func() { // ends with ssh
		defer close(s.ended)
		_, _ = io.Copy(io.Discard, out)
		s.err = s.cmd.Wait()
	}()
	if path.IsAbs(s.dir) && !strings.ContainsAny(s.dir, ":\x00") {
		return nil
	}
	_ = s.stdin.Close()
	<-s.ended
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return cli.Hinted(fmt.Errorf("%s could not be prepared, as ssh says above: %w", s.host, cmp.Or(s.err, errors.New("it has no place for a socket"))),
		"see that ssh "+s.host+" works, and that there is room in ~/.cache there")
}

// forward has ssh forward a socket of that machine to one of this.
func (s *sshSession) forward(ctx context.Context, socket string) error {
	args := append([]string{"-O", "forward", "-R", path.Join(s.dir, forward.SocketName) + ":" + socket}, s.options...)
	cmd := exec.CommandContext(ctx, s.path, append(args, s.host)...)
	cmd.Stderr = s.stderr
	if err := cmd.Run(); err != nil {
		return cli.Hinted(fmt.Errorf("%s does not let a socket be forwarded: %w", s.host, err),
			"its administrator can allow it, with AllowStreamLocalForwarding in sshd_config")
	}
	return nil
}

// failed tells whether ssh ended by itself.
func (s *sshSession) failed() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// stop ends ssh, and what it made at the other side.
func (s *sshSession) stop() {
	_ = s.stdin.Close()
	select {
	case <-s.ended:
	case <-time.After(sshEnd):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}
