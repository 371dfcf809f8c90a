//go:build unix

package parent

import (
	"context"
	"os"
	"time"
)

// askInterval is how often it is asked whether the parent is there, on systems that
// do not tell.
const askInterval = 500 * time.Millisecond

// askForParent ends when this process has another parent, which adopts those whose
// own has ended.
func askForParent(ctx context.Context, cancel context.CancelFunc, parent int) (context.Context, context.CancelFunc) {
	go func() { // ends with ctx
		tick := time.NewTicker(askInterval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if os.Getppid() != parent {
					cancel()
					return
				}
			}
		}
	}()
	return ctx, cancel
}
