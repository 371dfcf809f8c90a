package proxy_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// A screen is the terminal of a run.
type screen struct {
	mu     sync.Mutex
	lines  []string
	status []string
	more   chan struct{} // gets something with each line
}

func newScreen() *screen { return &screen{more: make(chan struct{}, 1)} }

func (s *screen) Print(_ context.Context, line string) error {
	s.mu.Lock()
	s.lines = append(s.lines, line)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return nil
}

func (s *screen) Status(_ context.Context, line string) error {
	s.mu.Lock()
	s.status = append(s.status, line)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return nil
}

func (*screen) ReadLine(context.Context, string) (string, error)        { return "", io.EOF }
func (*screen) ReadSecret(context.Context, string) (core.Secret, error) { return "", io.EOF }

func (s *screen) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...)
}

// find waits for a line with text.
func (s *screen) find(t *testing.T, text string) string {
	t.Helper()
	end := time.After(patience)
	for {
		for _, line := range s.all() {
			if strings.Contains(line, text) {
				return line
			}
		}
		select {
		case <-s.more:
		case <-end:
			t.Fatalf("%q is not on the screen:\n%s", text, strings.Join(s.all(), "\n"))
		}
	}
}

// await waits until the status line begins with text.
func (s *screen) await(t *testing.T, text string) {
	t.Helper()
	end := time.After(patience)
	for {
		s.mu.Lock()
		last := "(none)"
		if n := len(s.status); n > 0 {
			last = s.status[n-1]
		}
		s.mu.Unlock()
		if text == last || text != "" && strings.HasPrefix(last, text) {
			return
		}
		select {
		case <-s.more:
		case <-end:
			t.Fatalf("the status line is %q, not %q", last, text)
		}
	}
}
