package full

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

const (
	// aMoment is how long what the store said is believed.
	aMoment = 100 * time.Millisecond

	// slowStore is a store that requests do not wait for.
	slowStore = 2 * time.Second
)

// An attentive session looks at its store before it gives a token, unless it did so a
// moment ago: who has just signed out, by another process, means the next request too. It
// does so until the store fails, or is slow; then only who watches the session notices.
type attentive struct {
	core.App
	looked atomic.Int64 // when, in nanoseconds
}

// IDToken implements [core.App].
func (a *attentive) IDToken(ctx context.Context) (core.IDToken, error) {
	now, last := time.Now().UnixNano(), a.looked.Load()
	if now-last > int64(aMoment) && a.looked.CompareAndSwap(last, now) {
		looking, cancel := context.WithTimeout(ctx, slowStore)
		if _, err := a.Status(looking); err != nil && ctx.Err() == nil {
			a.looked.Store(math.MaxInt64)
		}
		cancel()
	}
	return a.App.IDToken(ctx)
}
