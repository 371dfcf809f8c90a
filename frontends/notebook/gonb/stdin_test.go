//go:build unix

package gonb

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

// kernelPipe is standard input as GoNB makes it. The test has the kernel's end.
func kernelPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stdin
	os.Stdin = r
	t.Cleanup(func() {
		os.Stdin = old
		_ = r.Close()
		_ = w.Close()
	})
	return w
}

func TestReadLine(t *testing.T) {
	w := kernelPipe(t)
	if _, err := w.WriteString("the address\nfor the program\n"); err != nil {
		t.Fatal(err)
	}
	line, err := readLine(t.Context())
	if err != nil || line != "the address" {
		t.Errorf("the line is %q, %v", line, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(os.Stdin)
	if err != nil || string(rest) != "for the program\n" {
		t.Errorf("left for the program is %q, %v", rest, err)
	}
}

func TestReadLineEnds(t *testing.T) {
	w := kernelPipe(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := readLine(ctx)
		done <- err
	}()
	cancel()
	if err := next(t, "the end", done); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	_ = w.Close()
	if _, err := readLine(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("at the end the error is %v", err)
	}
}

// TestStdinCloses: input that nobody reads does not hide the kernel's end.
func TestStdinCloses(t *testing.T) {
	w := kernelPipe(t)
	if _, err := w.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	closes := make(chan bool, 1)
	go func() { closes <- stdinCloses(ctx) }()
	_ = w.Close()
	if !next(t, "the kernel's end", closes) {
		t.Error("the kernel's end was not noticed")
	}
	kernelPipe(t)
	go func() { closes <- stdinCloses(ctx) }()
	cancel()
	if next(t, "the end", closes) {
		t.Error("the kernel is said to have ended")
	}
}

// TestInterrupt: the front end's stop button.
func TestInterrupt(t *testing.T) {
	f := newFront(t)
	done := f.start(t.Context(), newApp(core.SignedOut))
	f.script("gonb_comm") // the signal is waited for before there are views
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := next(t, "the end", done); !errors.Is(err, errInterrupted) || !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	f.last(textNot)
}
