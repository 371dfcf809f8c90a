package crashtest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

// An Opener opens a store by its settings and the directory of its key, as plugins do.
type Opener[Config any] func(ctx context.Context, c Config, dir string) (core.TokenStore, error)

// A location is the place of a configured store, as JSON.
type location[Config any] struct {
	Config Config
	Dir    string
}

// Place opens the store at a place that KillConfigured gave a process: see [Child].
func (open Opener[Config]) Place(ctx context.Context, place string) (core.TokenStore, error) {
	var l location[Config]
	if err := json.Unmarshal([]byte(place), &l); err != nil {
		return nil, err
	}
	return open(ctx, l.Config, l.Dir)
}

// KillConfigured is [Kill] over a store that has settings. On a server a session takes
// longer, so that a tenth of the rounds are made.
func KillConfigured[Config any](t *testing.T, c Config, open Opener[Config]) {
	t.Helper()
	l := location[Config]{c, t.TempDir()}
	place, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(t.Context(), c, l.Dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := core.Full(s).Close(); err != nil {
			t.Error(err)
		}
	})
	Kill(t, max(4, Rounds(t)/10), string(place), s)
}
