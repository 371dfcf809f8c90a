package loopback_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
)

// gone is an App of which the session cannot be watched, since all is over.
type gone struct{ core.App }

func (gone) Watch(ctx context.Context) (<-chan core.Status, error) { return nil, context.Cause(ctx) }

// What ends before it watches has nothing to warn of.
func TestFollowSaysNothingOfTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var said strings.Builder
	loopback.Follow(ctx, gone{}, slog.New(slog.NewTextHandler(&said, nil)), nil, nil)
	if said.Len() > 0 {
		t.Errorf("it says %q", &said)
	}
}
