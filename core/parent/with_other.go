//go:build unix && !linux

package parent

import (
	"context"
	"os"
)

// With ends when the process that started this one has ended.
func With(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	parent := os.Getppid()
	// Another process adopts those whose own parent has ended.
	return ask(ctx, cancel, func() bool { return os.Getppid() == parent })
}

// WithProcess ends when a process has ended.
func WithProcess(ctx context.Context, pid int) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	return ask(ctx, cancel, func() bool { return runs(pid) })
}
