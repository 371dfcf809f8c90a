//go:build !unix

package gonb

import (
	"context"
	"errors"
)

// GoNB runs on Unix alone; see stdin_unix.go.

func stdinCloses(ctx context.Context) bool {
	<-ctx.Done()
	return false
}

func readLine(context.Context) (string, error) { return "", errors.ErrUnsupported }
