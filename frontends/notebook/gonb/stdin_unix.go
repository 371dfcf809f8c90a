//go:build unix

package gonb

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// stdinCloses returns true when the kernel has closed this program's standard input,
// which it does when it ends, however it does.
func stdinCloses(ctx context.Context) bool {
	for {
		got, err := poll(ctx, 0)
		if err != nil {
			return false
		}
		if got&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0 {
			return true
		}
	}
}

// readLine reads a line of standard input. It takes what is there up to the end of the
// line, byte by byte: what follows is for the program.
func readLine(ctx context.Context) (string, error) {
	var line strings.Builder
	for b := make([]byte, 1); ; {
		got, err := poll(ctx, unix.POLLIN)
		if err != nil {
			return "", err
		}
		if got&unix.POLLIN == 0 {
			return "", io.EOF
		}
		if _, err := io.ReadFull(os.Stdin, b); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return line.String(), nil
		}
		line.WriteByte(b[0])
	}
}

// poll waits until standard input has one of events, or has none any more, and returns
// which. It returns ctx's error when that ends first.
func poll(ctx context.Context, events int16) (int16, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		_ = w.Close()
	})
	defer func() {
		if stop() {
			_ = w.Close()
			return
		}
		<-stopped
	}()
	fds := []unix.PollFd{{Fd: int32(os.Stdin.Fd()), Events: events}, {Fd: int32(r.Fd()), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, err
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case fds[0].Revents != 0:
			return fds[0].Revents, nil
		}
	}
}
