//go:build !windows

package agent

import (
	"context"
	"errors"
	"net"
	"os"
)

// listen makes the socket, in the place of one whose agent was killed.
func listen(socket string) (net.Listener, error) {
	_ = os.Remove(socket)
	return net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
}

func dialSocket(ctx context.Context, socket string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	return c, nil
}
