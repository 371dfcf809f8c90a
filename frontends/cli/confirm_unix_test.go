//go:build unix

package cli

import (
	"bufio"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/tokentoss/tokentoss/core"
)

// Before another account takes the place of the one that was signed in, a person at a
// terminal is asked; where there is none, it is said.
func TestAnotherAccountIsConfirmed(t *testing.T) {
	before, after := core.Status{Email: "ada@example.com"}, core.Status{Email: "eve@example.com"}
	for typed, want := range map[string]string{"y\n": "", "yes\n": "", "\n": "still that of ada@example.com", "n\n": "still that of", "\x04": "still that of"} {
		keyboard, tty, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		asked := make(chan string, 1)
		go func() {
			line, _ := bufio.NewReader(keyboard).ReadString('?')
			_, _ = keyboard.WriteString(typed)
			asked <- line
		}()
		in := &Invocation{Stdin: tty, Stdout: tty, Stderr: tty, say: messages{w: tty}}
		err = (&terminal{in: in, before: before}).Confirm(t.Context(), after)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", typed, err, want)
		}
		if text := <-asked; !strings.Contains(text, "this is the account eve@example.com; before, it was ada@example.com") {
			t.Errorf("shown: %q", text)
		}
		tty.Close()
		keyboard.Close()
	}
	var shown strings.Builder
	in := &Invocation{Stderr: &shown, say: messages{w: &shown}}
	if err := (&terminal{in: in, before: before}).Confirm(t.Context(), after); err != nil || !strings.Contains(shown.String(), "warning: this is the account eve@example.com") {
		t.Errorf("without a terminal: %v, %q", err, shown.String())
	}
	shown.Reset()
	for _, same := range []core.Status{{}, {Email: "eve@example.com"}} {
		if err := (&terminal{in: in, before: same}).Confirm(t.Context(), after); err != nil || shown.String() != "" {
			t.Errorf("%v: %v, %q", same, err, shown.String())
		}
	}
}
