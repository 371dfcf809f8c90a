//go:build unix

package cli

import (
	"io"
	"testing"

	"github.com/creack/pty"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/frontendtest"
)

// The terminal keeps to the contract of frontends, in a terminal that is narrower
// than any address.
func TestConformanceInTerminal(t *testing.T) {
	frontendtest.Run(t, func(t *testing.T) (core.Frontend, frontendtest.Person) {
		keyboard, tty, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: 40}); err != nil {
			t.Fatal(err)
		}
		p := &typist{keys: keyboard}
		shown := make(chan struct{})
		go func() {
			defer close(shown)
			_, _ = io.Copy(p, keyboard) // ends when nobody has tty any more
		}()
		t.Cleanup(func() {
			// A read of a terminal cannot be taken back, but there can be an end
			// of its input.
			_, _ = keyboard.WriteString("\x04")
			_ = tty.Close()
			<-shown
			_ = keyboard.Close()
		})
		in := &Invocation{Stdin: tty, Stdout: tty, Stderr: tty, say: messages{w: tty}}
		return &terminal{in: in, browser: noBrowser, loginLock: &loginLock{}}, p
	}, frontendtest.SkipCode(noCode), frontendtest.SkipConfigure(noClient))
}
