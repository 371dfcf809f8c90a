package agent

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
)

// logTimeout is how long a caller may take to read a record. One that does not read
// holds up the store.
const logTimeout = time.Second

// logFailure gives a call that failed an ID, and logs it. What the store says of it goes to
// the caller alone.
func (s *Server) logFailure(ctx context.Context, op string, r *response, took time.Duration) {
	if r.Error == nil {
		return
	}
	if !slices.Contains(operations, op) {
		op = "other"
	}
	r.ID = rand.Text()
	s.Log.LogAttrs(ctx, slog.LevelWarn, "call", slog.String("id", r.ID), slog.String("op", op),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("error", string(fault.Of(r.Error.Err()))))
}

// A record is a log record of a store on its way to a caller. It holds no secret: the
// plugin host has taken out what looks like one.
type record struct {
	Level   slog.Level  `json:"level"`
	Message string      `json:"message"`
	Attrs   [][2]string `json:"attrs,omitempty"`
}

// to writes the record to the caller's log.
func (r *record) to(ctx context.Context, log *slog.Logger) {
	attrs := make([]slog.Attr, len(r.Attrs))
	for i, a := range r.Attrs {
		attrs[i] = slog.String(a[0], a[1])
	}
	log.LogAttrs(ctx, r.Level, r.Message, attrs...)
}

// A logHandler sends what a store logs to those who wait for it and want to see it.
type logHandler struct {
	e     *entry
	attrs [][2]string
}

// Enabled implements [slog.Handler].
func (h *logHandler) Enabled(context.Context, slog.Level) bool { return len(h.e.watchers()) > 0 }

// Handle implements [slog.Handler].
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	m := &record{Level: r.Level, Message: r.Message, Attrs: h.attrs[:len(h.attrs):len(h.attrs)]}
	r.Attrs(func(a slog.Attr) bool {
		m.Attrs = append(m.Attrs, [2]string{a.Key, a.Value.Resolve().String()})
		return true
	})
	for _, c := range h.e.watchers() {
		_ = c.SetWriteDeadline(time.Now().Add(logTimeout))
		_ = c.send(&response{Log: m})
		_ = c.SetWriteDeadline(time.Time{})
	}
	return nil
}

// WithAttrs implements [slog.Handler].
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := &logHandler{e: h.e, attrs: h.attrs[:len(h.attrs):len(h.attrs)]}
	for _, a := range attrs {
		next.attrs = append(next.attrs, [2]string{a.Key, a.Value.Resolve().String()})
	}
	return next
}

// WithGroup implements [slog.Handler]. Groups are not shown.
func (h *logHandler) WithGroup(string) slog.Handler { return h }
