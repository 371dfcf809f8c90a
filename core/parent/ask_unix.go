//go:build unix

package parent

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// askInterval is how often it is asked whether the parent is there, on systems that
// do not tell.
const askInterval = 500 * time.Millisecond

// ask ends when there is not what is asked for any more.
func ask(ctx context.Context, cancel context.CancelFunc, there func() bool) (context.Context, context.CancelFunc) {
	go func() { // ends with ctx
		tick := time.NewTicker(askInterval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if !there() {
					cancel()
					return
				}
			}
		}
	}()
	return ctx, cancel
}

// runs tells whether there is a process, whoever has it.
func runs(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
