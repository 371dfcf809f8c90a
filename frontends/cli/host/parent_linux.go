package host

import (
	"context"
	"os"

	"golang.org/x/sys/unix"
)

// withParent ends when the process that started this one has ended: at once, by a
// descriptor of that process. Where the system has none, it asks now and then.
func withParent(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	parent := os.Getppid()
	fd, err := unix.PidfdOpen(parent, unix.PIDFD_NONBLOCK)
	if err != nil {
		return askForParent(ctx, cancel, parent)
	}
	// It is polled by the runtime, and can be closed while it is waited for.
	process := os.NewFile(uintptr(fd), "parent")
	conn, err := process.SyscallConn()
	if err != nil || os.Getppid() != parent {
		process.Close()
		return askForParent(ctx, cancel, parent)
	}
	go func() { // ends with close
		err := conn.Read(func(fd uintptr) bool {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
			return n > 0 || err != nil && err != unix.EINTR
		})
		if err == nil {
			cancel()
		}
	}()
	return ctx, func() {
		cancel()
		process.Close()
	}
}
