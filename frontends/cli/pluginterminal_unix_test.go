//go:build !windows

package cli

import (
	"io"
	"testing"

	"github.com/creack/pty"
)

// The status line stays below what is printed, is cut to the terminal, and goes.
func TestStatusLine(t *testing.T) {
	screen, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: 20}); err != nil {
		t.Fatal(err)
	}
	r := NewPluginTerminal(&Invocation{Stderr: tty, Stdin: tty})
	for _, show := range []func() error{
		func() error { return r.Status(t.Context(), "one") },
		func() error { return r.Print(t.Context(), "a line") },
		func() error { return r.Status(t.Context(), "two that is too long\n") },
		func() error { return r.Status(t.Context(), "") },
		func() error { return r.Print(t.Context(), "the last") },
	} {
		if err := show(); err != nil {
			t.Fatal(err)
		}
	}
	want := "\r\x1b[Ktokentoss: one" +
		"\r\x1b[Ka line\r\ntokentoss: one" +
		"\r\x1b[Ktokentoss: two that" +
		"\r\x1b[K" +
		"the last\r\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(screen, got); err != nil || string(got) != want {
		t.Errorf("%q %v, not %q", got, err, want)
	}
	tty.Close()
}

// Where there is no terminal there is no status line.
func TestNoStatusLine(t *testing.T) {
	p := &typist{}
	if err := NewPluginTerminal(&Invocation{Stdin: nil, Stderr: p}).Status(t.Context(), "one"); err != nil || p.Shown() != "" {
		t.Errorf("%q %v", p.Shown(), err)
	}
}
