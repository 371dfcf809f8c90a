package plugins

import (
	"io"
	"log/slog"

	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

// newLogger writes records to w as lines of JSON, which the host reads. Levels
// are the host's affair, as it alone knows what the person wants to see. What
// looks like a secret is taken out here, before it leaves the process.
func newLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch v := a.Value.Any().(type) {
			case string:
				a.Value = slog.StringValue(wire.Redact(v))
			case error:
				a.Value = slog.StringValue(wire.Redact(v.Error()))
			}
			return a
		},
	}))
}
