package parent

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// With ends when the process that started this one has ended: at once, by a
// descriptor of that process. Where the system has none, it asks now and then.
func With(ctx context.Context) (context.Context, context.CancelFunc) {
	parent := os.Getppid()
	// Another process adopts those whose own parent has ended.
	return watch(ctx, parent, func() bool { return os.Getppid() == parent })
}

// WithProcess ends when a process has ended, as With does.
func WithProcess(ctx context.Context, pid int) (context.Context, context.CancelFunc) {
	return watch(ctx, pid, func() bool { return runs(pid) })
}

func watch(ctx context.Context, pid int, there func() bool) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return ask(ctx, cancel, there)
	}
	// It is polled by the runtime, and can be closed while it is waited for.
	process := os.NewFile(uintptr(fd), "process")
	if !there() { // it ended before, and its number is another's
		process.Close()
		cancel()
		return ctx, cancel
	}
	go func() { // ends with close
		if waitFor(process) == nil {
			cancel()
		}
	}()
	return ctx, func() {
		cancel()
		process.Close()
	}
}

// waitFor waits until the process of a descriptor has ended, or that is closed.
func waitFor(process *os.File) error {
	conn, err := process.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Read(func(fd uintptr) bool {
		ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(ready, 0)
		for err == unix.EINTR {
			n, err = unix.Poll(ready, 0)
		}
		failed = err
		return n > 0 || err != nil
	})
	return errors.Join(err, failed)
}
