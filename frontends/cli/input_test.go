package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
)

// Ctrl-C does not wait for standard input, on which nobody may ever type.
func TestStdinEndsWithContext(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, cancel := context.WithCancel(context.Background())
	in := &Invocation{Stdin: r}
	read := make(chan error, 1)
	go func() {
		_, err := in.readFile(ctx, "-")
		read <- err
	}()
	cancel()
	if err := <-read; !errors.Is(err, context.Canceled) {
		t.Errorf("reading after the end of the context: %v", err)
	}
}

// What comes on standard input can be sent again if it is short; what is long
// comes through as it is.
func TestReplayable(t *testing.T) {
	for _, size := range []int{0, 5, maxReplay - 1, maxReplay, maxReplay + 5} {
		data := bytes.Repeat([]byte{7}, size)
		r, err := replayable(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		_, again := r.(*bytes.Reader) // of which package net/http knows how
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) || again != (size < maxReplay) {
			t.Errorf("%d bytes: got %d, %v; can be sent again: %v", size, len(got), err, again)
		}
	}
}

// The countdown stays on one line of a narrow terminal.
func TestCut(t *testing.T) {
	for width, want := range map[int]string{0: "waiting", 3: "wai", 7: "waiting", 80: "waiting"} {
		if got := cut("waiting", width); got != want {
			t.Errorf("cut to %d: %q", width, got)
		}
	}
}

// Standard input comes through whole.
func TestStdin(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer w.Close()
		_, _ = w.WriteString("one\x00two\n")
	}()
	data, err := io.ReadAll(stdin(context.Background(), r))
	if err != nil || string(data) != "one\x00two\n" {
		t.Errorf("read %q, %v", data, err)
	}
}
