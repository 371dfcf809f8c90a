package proxy

import (
	"context"
	"fmt"
	"time"

	"github.com/tokentoss/tokentoss/plugins"
)

// statusInterval is how often the status line may change.
const statusInterval = time.Second

// showStatus keeps the status line of the terminal up to date until ctx ends.
func (h *handler) showStatus(ctx context.Context, t plugins.StatusLine) {
	tick := time.NewTicker(statusInterval)
	defer tick.Stop()
	last := ""
	for {
		if line := h.status(); line != last {
			last = line
			_ = t.Status(ctx, line)
		}
		select {
		case <-ctx.Done():
			_ = t.Status(context.WithoutCancel(ctx), "")
			return
		case <-tick.C:
		}
	}
}

// status is the line.
func (h *handler) status() string {
	line := fmt.Sprintf("%d requests, %d errors", h.requests.Load(), h.errors.Load())
	if expiry := h.tokens.expiry(); !expiry.IsZero() {
		line += ", token until " + expiry.Local().Format("15:04:05")
	}
	return line
}
