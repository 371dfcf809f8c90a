package full

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tokentoss/tokentoss/core/parent"
)

// whileAsked returns a context for what serves the program that started this one by
// standard input and output: it ends with that program, and the process does a while
// later, whatever hangs: a store, or who reads standard output.
func whileAsked(ctx context.Context, end time.Duration) (context.Context, func()) {
	// A client that is gone is an error of a write, not the end in the midst of it.
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	ctx, stop := parent.With(ctx)
	context.AfterFunc(ctx, func() { time.AfterFunc(end, func() { os.Exit(1) }) })
	return ctx, func() {
		stop()
		signal.Stop(broken)
	}
}
