package loopback

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// listenUnix listens on a socket that is the user's alone. It is made in a directory
// of its own and then moved, so that nobody can connect before it has its mode. One
// that nobody listens on is replaced.
func listenUnix(path string) (*Listeners, error) {
	switch {
	case path == "":
		return nil, badAddress("listen wants a path after unix:")
	case runtime.GOOS == "windows":
		return nil, &fault.Error{Op: "listen on", Subject: "unix:" + path, Kind: fault.Unsupported, Problem: "a socket has no mode on Windows, and anybody could use it"}
	}
	path, err := privatefile.Resolve(path, "")
	if err != nil {
		return nil, err
	}
	failed := func(err error) error {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return &fault.Error{Op: "listen on", Subject: path, Kind: fault.AddressInUse, Err: err, Remedy: fault.Say("choose another path")}
	}
	if info, err := os.Lstat(path); err == nil {
		if info.Mode().Type() != os.ModeSocket {
			return nil, failed(errors.New("something that is not a socket has that name"))
		}
		if err := privatefile.CheckOwner(path); err != nil {
			return nil, failed(err) // what an earlier run left is the user's own
		}
		if c, err := net.Dial("unix", path); err == nil {
			_ = c.Close()
			return nil, failed(errors.New("another program listens there"))
		}
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".tokentoss-")
	if err != nil {
		return nil, failed(err)
	}
	defer os.RemoveAll(dir)
	made := filepath.Join(dir, "s")
	l, err := net.Listen("unix", made)
	if err != nil {
		return nil, failed(err)
	}
	u := l.(*net.UnixListener)
	u.SetUnlinkOnClose(false)
	if err = os.Chmod(made, 0o600); err == nil {
		err = os.Rename(made, path)
	}
	if err != nil {
		_ = l.Close()
		return nil, failed(err)
	}
	return &Listeners{Socket: path, all: []net.Listener{&unixListener{u, path}}}, nil
}

// A unixListener takes the socket away when it is closed.
type unixListener struct {
	*net.UnixListener
	path string
}

// Close implements [net.Listener].
func (l *unixListener) Close() error {
	err := l.UnixListener.Close()
	if err == nil {
		_ = os.Remove(l.path)
	}
	return err
}
