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

// A Client asks for tokens of a session that another machine lends.
type Client struct {
	Hello  Hello
	Socket string // its path
}

// Find returns the session that was lent last and is lent now. Where there is none,
// the error wraps [fault.NotFound]; where there is one of another version of the
// protocol alone, it names both. Sockets that others could have made are passed over.
func Find(ctx context.Context) (*Client, error) {
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
		client := &Client{Socket: c.path}
		conn, err := client.dial(ctx)
		if err == nil {
			_ = conn.Close()
			return client, nil
		}
		if errors.Is(err, fault.Newer) && first == error(none) {
			first = err
		}
	}
	return nil, first
}

// A connection to the other side, whose Hello was read.
type connection struct {
	net.Conn
	r *bufio.Reader
}

// dial connects, and reads whose session it is.
func (c *Client) dial(ctx context.Context) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	raw, err := new(net.Dialer).DialContext(ctx, "unix", c.Socket)
	if err != nil {
		return nil, c.gone(err)
	}
	conn := &connection{raw, bufio.NewReader(raw)}
	end, _ := ctx.Deadline()
	_ = conn.SetDeadline(end)
	var h Hello
	if err := readMessage(conn.r, &h); err != nil {
		_ = conn.Close()
		return nil, c.gone(err)
	}
	for _, text := range []*string{&h.Host, &h.Email, &h.Issuer, &h.Client} {
		*text = clean(*text)
	}
	for i := range h.Targets {
		h.Targets[i] = clean(h.Targets[i])
	}
	if h.Version != Version {
		_ = conn.Close()
		return nil, &fault.Error{Subject: "the session of " + h.Host, Kind: fault.Newer,
			Problem: fmt.Sprintf("it is lent by version %d of the protocol, and this tokentoss has version %d", h.Version, Version),
			Remedy:  fault.Update.On("the older of the two")}
	}
	_ = conn.SetDeadline(time.Time{})
	c.Hello = h
	return conn, nil
}

// gone is a socket that nobody answers any more.
func (c *Client) gone(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = context.DeadlineExceeded
	}
	return &fault.Error{Subject: "the session of " + cmp.Or(c.Hello.Host, "another machine"), Kind: fault.Unavailable,
		Problem: "it is not forwarded any more", Remedy: fault.Say("connect again from the machine that the session is of"), Err: err}
}

// IDToken asks for a token, in the name of this program. The person may be asked first,
// so that only ctx bounds it.
func (c *Client) IDToken(ctx context.Context) (oidc.Secret, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	host, _ := os.Hostname()
	if err := writeMessage(conn, Request{Program: filepath.Base(os.Args[0]), Host: host}); err != nil {
		return "", c.gone(err)
	}
	var a answer
	if err := readMessage(conn.r, &a); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", c.gone(err)
	}
	return oidc.Secret(a.IDToken), a.error(c.Hello.Host)
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
