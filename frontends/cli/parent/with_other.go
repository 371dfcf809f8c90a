//go:build unix && !linux

package parent

import (
	"context"
	"os"
)

// With ends when the process that started this one has ended.
func With(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	return askForParent(ctx, cancel, os.Getppid())
}
