package full

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap/tunnel"
	"github.com/tokentoss/tokentoss/core/peercred"
	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/profile"
)

// replyTimeout is how long a tunnel by standard input and output stays after the end
// of its input, while nothing comes: the other side cannot be told of that end.
const replyTimeout = 30 * time.Second

// runTunnel connects by standard input and output, or each who connects to an address
// of this machine.
func runTunnel(ctx context.Context, in *cli.Invocation, o cli.TunnelOptions) error {
	p, err := in.Open(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	st, err := tunnelReady(ctx, p)
	if err != nil {
		return err
	}
	d := tunnelDialer(ctx, p, st, o)
	if o.Stdio {
		return tunnelStdio(ctx, in, d, o.Address())
	}
	return tunnelListen(ctx, in, d, o)
}

// tunnelReady checks that the session has what the relay wants, before anybody is
// asked.
func tunnelReady(ctx context.Context, p *profile.Profile) (core.Status, error) {
	st, err := p.Status(ctx)
	if err != nil {
		return st, err
	}
	if _, err := p.AccessToken(ctx); err != nil {
		return st, err
	}
	if !slices.Contains(st.Scopes, tunnel.Scope) {
		return st, cli.Hinted(fmt.Errorf("the access token of profile %s lacks the scope %s, which TCP forwarding needs", p.Name, tunnel.Scope),
			"tokentoss profile add cloud --scope "+tunnel.Scope+", configure and log in to it, then tokentoss --profile cloud tunnel")
	}
	return st, nil
}

// tunnelDialer is a dialer with the session's access tokens.
func tunnelDialer(ctx context.Context, p *profile.Profile, st core.Status, o cli.TunnelOptions) *tunnel.Dialer {
	d := &tunnel.Dialer{
		TokenSource: p.AccessTokenSource(ctx), Project: o.Project, Zone: o.Zone, Interface: o.Interface,
		Region: o.Region, Network: o.Network, Group: o.Group, InsecureLoopback: p.Settings.InsecureLoopback,
	}
	if p.Settings.InsecureLoopback && strings.HasPrefix(st.Issuer, "http://") {
		d.Relay = st.Issuer // an emulator has all in one place
	}
	return d
}

// tunnelStdio is for ssh's ProxyCommand.
func tunnelStdio(ctx context.Context, in *cli.Invocation, d *tunnel.Dialer, address string) error {
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	far := &lingering{Conn: c.(*tunnel.Conn)}
	defer far.Close()
	defer context.AfterFunc(ctx, func() { _ = far.Close() })()
	go func() { // ends with its input, or with the process
		if _, err := io.Copy(far, in.Stdin); err == nil {
			far.endInput()
		}
	}()
	_, err = io.Copy(in.Stdout, far)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded): // nothing came after the end of the input
		return nil
	}
	return err
}

// A lingering connection is read on after the end of its input, for as long as
// something comes.
type lingering struct {
	*tunnel.Conn
	ended atomic.Bool
}

func (c *lingering) endInput() {
	c.ended.Store(true)
	_ = c.CloseWrite()
	_ = c.SetReadDeadline(time.Now().Add(replyTimeout))
}

func (c *lingering) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.ended.Load() {
		_ = c.SetReadDeadline(time.Now().Add(replyTimeout))
	}
	return n, err
}

// tunnelListen connects each who connects to an address of this machine.
func tunnelListen(ctx context.Context, in *cli.Invocation, d *tunnel.Dialer, o cli.TunnelOptions) error {
	host, _, err := net.SplitHostPort(o.Listen)
	addr, perr := netip.ParseAddr(host)
	if err != nil || perr != nil || !addr.IsLoopback() {
		return cli.Usage("--listen 127.0.0.1:5432", "tunnel: %q is not an address of this machine alone, with a port", o.Listen)
	}
	// Once, to say at the beginning what would fail for everybody.
	probe, err := d.DialContext(ctx, "tcp", o.Address())
	if err != nil {
		return err
	}
	_ = probe.Close()
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return cli.Hinted(fmt.Errorf("tunnel: %w", err), "another --listen address, or none for a free port")
	}
	if _, err := fmt.Fprintln(in.Stdout, l.Addr()); err != nil {
		return err
	}
	in.Say("port %d of %s is at %s until Ctrl-C", o.Port, o.Host, l.Addr())
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			_ = l.Close()
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("tunnel: %w", err)
		}
		serving.Go(func() {
			defer c.Close()
			if err := serveTunnel(ctx, d, o.Address(), c); err != nil && ctx.Err() == nil {
				in.Warn("%v", err)
			}
		})
	}
}

// serveTunnel connects one who connected: the user, where the system tells.
func serveTunnel(ctx context.Context, d *tunnel.Dialer, address string, local net.Conn) error {
	if peercred.Supported() {
		if err := peercred.Check(local); err != nil {
			return fmt.Errorf("a connection was refused: %w", err)
		}
	}
	far, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer far.Close()
	defer context.AfterFunc(ctx, func() {
		_ = far.Close()
		_ = local.Close()
	})()
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(far, local)
		_ = far.(*tunnel.Conn).CloseWrite()
		// The program here reads on, or has gone: then what comes cannot be written.
	})
	_, err = io.Copy(local, far)
	_ = local.Close()
	up.Wait()
	return err
}
