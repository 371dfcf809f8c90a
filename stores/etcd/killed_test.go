package etcd_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest/crashtest"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// A location is what a process that is killed opens.
type location struct {
	Config etcd.Config
	Dir    string
}

func (p location) open(ctx context.Context) (core.TokenStore, error) {
	return etcd.Open(ctx, p.Config, p.Dir, nil, nil)
}

// openLocation opens the location that text is of.
func openLocation(ctx context.Context, text string) (core.TokenStore, error) {
	var p location
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, err
	}
	return p.open(ctx)
}

// A process that is killed at any moment of a refresh leaves the session that was there, or
// the next one. Its lock is free when its time is over.
func TestKilledRefresh(t *testing.T) {
	t.Parallel()
	p := location{etcd.Config{Endpoints: shared(t).endpoints, Prefix: newPrefix(t), LockTTL: "2s"}, t.TempDir()}
	text, err := json.Marshal(p)
	must(t, err)
	s, err := p.open(bounded(t))
	must(t, err)
	t.Cleanup(func() { must(t, core.Full(s).Close()) })
	crashtest.Kill(t, max(4, crashtest.Rounds(t)/10), string(text), s)
}
