package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/tokentoss/tokentoss/core/privatefile"
)

// maxInput bounds what is read as a client or a secret.
const maxInput = 1 << 20

// readFile reads a small file, or standard input for "-".
func (in *Invocation) readFile(ctx context.Context, name string) ([]byte, error) {
	var r io.Reader
	if name == "-" {
		r = stdin(ctx, in.Stdin)
	} else {
		path, err := privatefile.Resolve(name, "")
		if err != nil {
			return nil, err
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, &hintedError{fmt.Errorf("cannot read the file: %w", asTyped(err, name)), "check the path"}
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &hintedError{fmt.Errorf("cannot read the file: %w", err), "check the path"}
	case len(data) > maxInput:
		return nil, fmt.Errorf("%s: larger than 1 MiB, which no client file is", inputName(name))
	}
	return privatefile.Text(data), nil
}

// inputName is how a file is called that may be standard input.
func inputName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// stdin returns what f has, standard input, until ctx ends: a read of a terminal
// cannot be taken back, and Ctrl-C should not wait for it. The goroutine ends
// with the input or with the process.
func stdin(ctx context.Context, f *os.File) io.Reader {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, f)
		_ = w.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { _ = w.CloseWithError(ctx.Err()) })
	return r
}

// asTyped names a file in an error as the person did.
func asTyped(err error, name string) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return &fs.PathError{Op: pe.Op, Path: name, Err: pe.Err}
	}
	return err
}
