package host

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

const (
	// maxLine is what is kept of a line of a plugin's, in bytes.
	maxLine = 16 << 10

	// burst lines are logged at once, and lineRate each second after that.
	burst    = 500
	lineRate = 100
)

// A stderrReader logs what a plugin prints to its standard error. Lines of JSON
// in the form of package slog are log records; others are shown with --verbose.
// Nothing that a plugin prints can do more than be logged, as text, without what
// looks like a secret, and after the name of who says it.
type stderrReader struct {
	log     *slog.Logger
	speaker string // begins each message
	now     func() time.Time

	mu      sync.Mutex
	line    []byte
	left    float64 // lines that may be logged now
	at      time.Time
	dropped int
	inKey   bool   // between the lines of a private key
	panicky string // the first line of a crash
}

func newStderrReader(log *slog.Logger) *stderrReader {
	return &stderrReader{log: log, now: time.Now, left: burst, at: time.Now()}
}

// Write implements [io.Writer].
func (r *stderrReader) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(p)
	for len(p) > 0 {
		part, rest, found := bytes.Cut(p, []byte("\n"))
		if room := maxLine - len(r.line); room > 0 {
			r.line = append(r.line, part[:min(room, len(part))]...)
		}
		if found {
			r.end()
		}
		p = rest
	}
	return n, nil
}

// crash returns the first line of what a crashing program said, if it did.
func (r *stderrReader) crash() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.panicky
}

// end handles the line that is complete.
func (r *stderrReader) end() {
	line := strings.ToValidUTF8(strings.TrimSpace(string(r.line)), "\ufffd")
	r.line = r.line[:0]
	if line == "" {
		return
	}
	if line = r.outsideKeys(line); line == "" {
		return
	}
	if r.panicky == "" && (strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")) {
		r.panicky = wire.Redact(line)
	}
	now := r.now()
	r.left = min(r.left+now.Sub(r.at).Seconds()*lineRate, burst)
	r.at = now
	if r.left < 1 {
		r.dropped++
		return
	}
	r.left--
	if r.dropped > 0 {
		r.log.Debug(r.speaker+"lines of the plugin were left out", "lines", r.dropped)
		r.dropped = 0
	}
	r.record(wire.Redact(line))
}

// outsideKeys returns what of a line is no part of a private key that began in an
// earlier one.
func (r *stderrReader) outsideKeys(line string) string {
	if r.inKey {
		_, rest, found := strings.Cut(line, "-----END ")
		r.inKey = !found
		_, line, _ = strings.Cut(rest, "-----")
		return line
	}
	_, key, _ := strings.Cut(line, "-----BEGIN ")
	r.inKey = strings.Contains(key, "PRIVATE KEY-----") && !strings.Contains(key, "-----END ")
	return line
}

// record logs a line.
func (r *stderrReader) record(line string) {
	var fields map[string]any
	var level slog.Level
	var text string
	if json.Unmarshal([]byte(line), &fields) == nil {
		text, _ = fields["msg"].(string)
		name, _ := fields["level"].(string)
		if level.UnmarshalText([]byte(name)) != nil {
			text = ""
		}
	}
	if text == "" {
		r.log.Debug(r.speaker + line)
		return
	}
	var attrs []slog.Attr
	for key, value := range fields {
		if key != "msg" && key != "level" && key != "time" {
			attrs = append(attrs, slog.Any(key, value))
		}
	}
	r.log.LogAttrs(context.Background(), level, r.speaker+text, attrs...)
}
