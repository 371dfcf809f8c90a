// Package emulatortest has what tests put around an emulator: a start that ends with the test, a clock that stands still, and a log
// to read. Like [emulator], it imports nothing else of tokentoss, so that every test may use it.
package emulatortest

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// Start starts an emulator that is closed at the end of t.
func Start(t testing.TB, o emulator.Options) *emulator.Emulator {
	t.Helper()
	e, err := emulator.Start(context.WithoutCancel(t.Context()), o) // which ends before the cleanups that need it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// A Clock stands still until it is told to move. The zero value is at the zero time.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows at.
func NewClock(at time.Time) *Clock { return &Clock{now: at} }

// Now returns what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock by d, which may be negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A Log keeps what is written to it. The zero value is ready.
type Log struct {
	mu  sync.Mutex
	buf strings.Builder
}

// Write implements [io.Writer].
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String returns all that was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Logger writes records of every level, each as text and as JSON, so that a secret shows in either form.
func (l *Log) Logger() *slog.Logger {
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	return slog.New(slog.NewMultiHandler(slog.NewTextHandler(l, all), slog.NewJSONHandler(l, all)))
}
