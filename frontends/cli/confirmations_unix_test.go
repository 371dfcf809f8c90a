//go:build unix

package cli

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// A shown text is what a terminal was given.
type shown struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{}
}

func (s *shown) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	select {
	case s.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

// wait waits until a text was shown n times.
func (s *shown) wait(t *testing.T, text string, n int) {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		s.mu.Lock()
		done := strings.Count(s.text.String(), text) >= n
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-s.more:
		case <-late:
			t.Fatalf("%q was not shown", text)
		}
	}
}

// An answer is that of the question that stands. One that is withdrawn, or that nobody can
// answer any more, has none.
func TestAnAnswerIsThatOfItsQuestion(t *testing.T) {
	keyboard, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, keyboard) }() // the echo; ends with the terminal
	out := &shown{more: make(chan struct{}, 1)}
	in := &Invocation{Stdin: tty, Stderr: out, say: messages{w: out}}
	ask := in.Confirmations()
	type reply struct {
		yes bool
		err error
	}
	begin := func(ctx context.Context, n int) chan reply {
		got := make(chan reply, 1)
		go func() {
			yes, err := ask(ctx, "give it?")
			got <- reply{yes, err}
		}()
		out.wait(t, "give it?", n)
		return got
	}
	for i, typed := range []string{"y\n", "n\n", "YES\n", "\n", "yy\n"} {
		got := begin(t.Context(), i+1)
		_, _ = keyboard.WriteString(typed)
		if r := <-got; r.err != nil || r.yes != (i == 0 || i == 2) {
			t.Errorf("%q: %+v", typed, r)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	got := begin(ctx, 6)
	cancel()
	if r := <-got; r.yes || !errors.Is(r.err, context.Canceled) {
		t.Errorf("withdrawn: %+v", r)
	}
	out.wait(t, "withdrawn", 1)
	got = begin(t.Context(), 7)
	_, _ = keyboard.WriteString("\x04") // the end of the input
	if r := <-got; r.yes || r.err != nil {
		t.Errorf("the end: %+v", r)
	}
	keyboard.Close()
	tty.Close()
}
