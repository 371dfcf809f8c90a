package cli

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// A logHandler writes log records as messages. What it is given holds no secret:
// secrets are core.Secret values, which do not print.
type logHandler struct {
	say   messages
	level slog.Level
	attrs string
}

// Enabled implements [slog.Handler].
func (h *logHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle implements [slog.Handler].
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message + h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, "; %s: %v", a.Key, a.Value.Resolve())
		return true
	})
	kind := strings.ToLower(r.Level.String()) + ": "
	if r.Level == slog.LevelWarn {
		kind = "warning: "
	}
	h.say.line(kind, "%s", b.String())
	return nil
}

// WithAttrs implements [slog.Handler].
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	for _, a := range attrs {
		next.attrs += fmt.Sprintf("; %s: %v", a.Key, a.Value.Resolve())
	}
	return &next
}

// WithGroup implements [slog.Handler]. Groups are not shown.
func (h *logHandler) WithGroup(string) slog.Handler { return h }
