package forward

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

const (
	// helloTimeout is how long a socket may take to say whose it is: one whose other
	// side has gone must not hold up every program.
	helloTimeout = 2 * time.Second

	// SocketName is the name of the socket in its directory.
	SocketName = "s"
)

// Dir returns the directory in which the sockets are that other machines lend
// sessions by, each in a directory of its own. Its place is the same for each way to
// log in, which a variable's need not be.
func Dir() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".cache", "tokentoss", "forward"), nil
}

// A Client asks for tokens of a session that another machine lends, or has requests made
// with them there. It goes on when the session is lent again by another socket, and is
// safe for concurrent use.
type Client struct {
	Hello Hello // of the socket that was found first

	// Program names the program that asks; nil, and "", are the name of this one.
	Program func() string

	mu     sync.Mutex
	socket string // its path
}

// Find returns the session that was lent last and is lent now. Where there is none,
// the error wraps [fault.NotFound]; where there is one of another version of the
// protocol alone, it names both. Sockets that others could have made are passed over.
func Find(ctx context.Context) (*Client, error) {
	return find(ctx, func(Hello) bool { return true })
}

// find is Find for one that fits.
func find(ctx context.Context, fits func(Hello) bool) (*Client, error) {
	none := &fault.Error{Subject: "a forwarded session", Kind: fault.NotFound}
	dir, err := Dir()
	if err != nil {
		return nil, none
	}
	if privatefile.CheckPrivate(dir, fs.ModeDir) != nil {
		return nil, none
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, none
	}
	type candidate struct {
		path string
		made time.Time
	}
	var list []candidate
	for _, e := range entries {
		below := filepath.Join(dir, e.Name())
		socket := filepath.Join(below, SocketName)
		if privatefile.CheckPrivate(below, fs.ModeDir) != nil || privatefile.CheckPrivate(socket, fs.ModeSocket) != nil {
			continue
		}
		if info, err := os.Lstat(socket); err == nil {
			list = append(list, candidate{socket, info.ModTime()})
		}
	}
	slices.SortFunc(list, func(a, b candidate) int { return cmp.Or(b.made.Compare(a.made), cmp.Compare(a.path, b.path)) })
	var first error = none
	for _, c := range list {
		conn, hello, err := dial(ctx, c.path)
		if err == nil {
			_ = conn.Close()
			if fits(hello) {
				return &Client{Hello: hello, socket: c.path}, nil
			}
		}
		if errors.Is(err, fault.Unsupported) && first == error(none) {
			first = err
		}
	}
	return nil, first
}

// At returns the client of a socket, for a program that another one told where it is.
func At(ctx context.Context, socket string) (*Client, error) {
	conn, hello, err := dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	return &Client{Hello: hello, socket: socket}, conn.Close()
}

// Socket is the path of the socket in use.
func (c *Client) Socket() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.socket
}

// A connection of which the beginning was read.
type connection struct {
	net.Conn
	r *bufio.Reader
}

// Read implements [net.Conn].
func (c *connection) Read(b []byte) (int, error) {
	if c.r.Buffered() > 0 {
		return c.r.Read(b)
	}
	return c.Conn.Read(b)
}

// CloseWrite ends what is sent.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// dial connects. Where the socket is gone, the same session may be lent by another.
func (c *Client) dial(ctx context.Context) (*connection, error) {
	conn, _, err := dial(ctx, c.Socket())
	if err == nil || errors.Is(err, fault.Unsupported) || ctx.Err() != nil {
		return conn, err
	}
	again, ferr := find(ctx, c.Hello.same)
	if ferr != nil {
		return nil, c.gone(err)
	}
	c.mu.Lock()
	c.socket = again.socket
	c.mu.Unlock()
	if conn, _, err = dial(ctx, again.socket); err != nil {
		return nil, c.gone(err)
	}
	return conn, nil
}

// same tells whether another socket lends what this one did.
func (h Hello) same(other Hello) bool {
	return h.Issuer == other.Issuer && h.Client == other.Client && h.Email == other.Email && h.Requests == other.Requests &&
		slices.Equal(h.Targets, other.Targets)
}

// dial connects to a socket, and reads whose session it is.
func dial(ctx context.Context, socket string) (*connection, Hello, error) {
	var h Hello
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	raw, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, h, err
	}
	conn := &connection{raw, bufio.NewReader(raw)}
	end, _ := ctx.Deadline()
	_ = conn.SetDeadline(end)
	if err := readMessage(conn.r, &h); err != nil {
		_ = conn.Close()
		return nil, h, err
	}
	for _, text := range []*string{&h.Host, &h.Email, &h.Issuer, &h.Client, &h.Release} {
		*text = clean(*text)
	}
	for i := range h.Targets {
		h.Targets[i] = clean(h.Targets[i])
	}
	if h.Version != Version {
		_ = conn.Close()
		return nil, h, h.otherVersion()
	}
	_ = conn.SetDeadline(time.Time{})
	return conn, h, nil
}

// otherVersion is a session that this program cannot use.
func (h Hello) otherVersion() error {
	older := "tokentoss on this machine"
	if h.Version < Version {
		older = "tokentoss on " + h.Host
	}
	return &fault.Error{Subject: "the session of " + h.Host, Kind: fault.Unsupported, Remedy: fault.Update.On(older),
		Problem: fmt.Sprintf("it is lent by tokentoss %s, with version %d of the protocol, and this tokentoss has version %d", cmp.Or(h.Release, "of another release"), h.Version, Version)}
}

// gone is a socket that nobody answers any more.
func (c *Client) gone(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = context.DeadlineExceeded
	}
	return &fault.Error{Subject: "the session of " + cmp.Or(c.Hello.Host, "another machine"), Kind: fault.Unavailable,
		Problem: "it is not forwarded any more", Remedy: fault.Say("connect again from the machine that the session is of"), Err: err}
}

// IDToken asks for a token, in the name of the program. The person may be asked first,
// so that only ctx bounds it.
func (c *Client) IDToken(ctx context.Context) (oidc.Secret, error) {
	if c.Hello.Requests {
		return "", errNoToken(c.Hello.Host)
	}
	conn, a, err := c.ask(ctx, "")
	if err != nil {
		return "", err
	}
	return oidc.Secret(a.IDToken), conn.Close()
}

// ask connects and asks. An answer that is an error is one.
func (c *Client) ask(ctx context.Context, target string) (*connection, answer, error) {
	var a answer
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, a, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	r := Request{Program: filepath.Base(os.Args[0]), Target: target}
	if c.Program != nil {
		r.Program = cmp.Or(c.Program(), r.Program)
	}
	r.Host, _ = os.Hostname()
	err = writeMessage(conn, r)
	if err == nil {
		err = readMessage(conn.r, &a)
	}
	switch {
	case !stop():
		err = ctx.Err()
	case err != nil:
		err = c.gone(err)
	default:
		err = a.error(c.Hello.Host)
	}
	if err != nil {
		_ = conn.Close()
		return nil, a, err
	}
	return conn, a, nil
}

// ErrNoToken is for who wants a token of a session that gives none.
var ErrNoToken = errors.New("requests are made there, and no token leaves it")

func errNoToken(host string) error {
	return &fault.Error{Subject: "the session of " + cmp.Or(host, "another machine"), Kind: fault.Unsupported, Err: ErrNoToken,
		Remedy: fault.Say("reach the service by what has its requests made there, or lend tokens on %s", cmp.Or(host, "that machine"))}
}

// Flow returns the source of tokens for a session.
func (c *Client) Flow() core.Flow { return flow{c} }

type flow struct{ c *Client }

// SignIn implements [core.Flow]. It asks nobody here.
func (f flow) SignIn(ctx context.Context, _ core.Prompter) (*core.Token, error) {
	token, err := f.c.IDToken(ctx)
	if err != nil {
		return nil, err
	}
	return &core.Token{IDToken: token}, nil
}
