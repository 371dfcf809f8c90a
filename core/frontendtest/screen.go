package frontendtest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
)

// A Screen keeps what a frontend writes, and has the methods of a [Person] that
// only look: embed it. The zero value is empty.
type Screen struct {
	guard guard
	text  []byte
	given map[string]bool // addresses that Address returned
}

// Write implements [io.Writer].
func (s *Screen) Write(p []byte) (int, error) {
	s.guard.change(func() { s.text = append(s.text, p...) })
	return len(p), nil
}

// Sees implements [Person].
func (s *Screen) Sees(ctx context.Context, text string) error {
	err := s.guard.wait(ctx, func() bool { return bytes.Contains(s.text, []byte(text)) })
	if err != nil {
		return fmt.Errorf("the screen does not show %q: %w", text, err)
	}
	return nil
}

// Address implements [Person]. An address is a word that begins with https://
// and ends before a space or the end of a line.
func (s *Screen) Address(ctx context.Context) (string, error) {
	var address string
	if err := s.guard.wait(ctx, func() bool { address = s.next(); return address != "" }); err != nil {
		return "", fmt.Errorf("the screen shows no new address: %w", err)
	}
	return address, nil
}

// next returns the first whole address that was not given before, or "".
func (s *Screen) next() string {
	whole := s.text[:1+bytes.LastIndexAny(s.text, " \t\r\n")]
	for word := range strings.FieldsSeq(string(whole)) {
		if !strings.HasPrefix(word, "https://") || s.given[word] {
			continue
		}
		if s.given == nil {
			s.given = map[string]bool{}
		}
		s.given[word] = true
		return word
	}
	return ""
}

// Shown implements [Person].
func (s *Screen) Shown() string {
	var text string
	s.guard.change(func() { text = string(s.text) })
	return text
}

// A guard protects what changes while others wait until it is as they want it.
type guard struct {
	mu      sync.Mutex
	changed chan struct{} // closed at the next change; nil when nobody waits
}

// change calls f alone and lets those who wait look again.
func (g *guard) change(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}

// wait returns nil once ok, called alone, returns true, and ctx's error when it
// ends before.
func (g *guard) wait(ctx context.Context, ok func() bool) error {
	for {
		g.mu.Lock()
		if ok() {
			g.mu.Unlock()
			return nil
		}
		if g.changed == nil {
			g.changed = make(chan struct{})
		}
		changed := g.changed
		g.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}
