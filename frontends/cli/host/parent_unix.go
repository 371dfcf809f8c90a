//go:build unix && !linux

package host

import (
	"context"
	"os"
)

// withParent ends when the process that started this one has ended.
func withParent(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	return askForParent(ctx, cancel, os.Getppid())
}
