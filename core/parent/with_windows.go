package parent

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// With ends when the process that started this one has ended. A number that
// is another process's by now is that of a parent which has ended, too.
func With(ctx context.Context) (context.Context, context.CancelFunc) {
	return WithProcess(ctx, os.Getppid())
}

// WithProcess ends when a process that is older than this one has ended.
func WithProcess(ctx context.Context, pid int) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	const rights = windows.SYNCHRONIZE | windows.PROCESS_QUERY_LIMITED_INFORMATION
	process, err := windows.OpenProcess(rights, false, uint32(pid))
	switch {
	case errors.Is(err, windows.ERROR_INVALID_PARAMETER): // there is none of that number
		cancel()
		return ctx, cancel
	case err != nil: // it is not ours to look at
		return ctx, cancel
	}
	if younger(process) {
		_ = windows.CloseHandle(process)
		cancel()
		return ctx, cancel
	}
	go func() { // ends with ctx
		defer windows.CloseHandle(process)
		for ctx.Err() == nil {
			const interval = uint32(500 * time.Millisecond / time.Millisecond)
			if event, err := windows.WaitForSingleObject(process, interval); err != nil || event != uint32(windows.WAIT_TIMEOUT) {
				cancel()
			}
		}
	}()
	return ctx, cancel
}

// younger tells whether a process was created after this one.
func younger(process windows.Handle) bool {
	its, err := created(process)
	if err != nil {
		return false
	}
	own, err := created(windows.CurrentProcess())
	return err == nil && its > own
}

func created(process windows.Handle) (int64, error) {
	var creation, exit, kernel, user windows.Filetime
	err := windows.GetProcessTimes(process, &creation, &exit, &kernel, &user)
	return creation.Nanoseconds(), err
}
