package core_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest"
	memorystore "github.com/tokentoss/tokentoss/stores/memory"
)

// careless is a store that neither looks at ctx nor at keys, and whose errors say
// nothing about ctx.
type careless struct{ *memorystore.Store }

var errServer = errors.New("the server gave no answer")

func plain(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return errServer
	}
	return err
}

// any maps each key to one that the store takes.
func (c careless) any(key string) string {
	if core.CheckKey(key) != nil {
		return fmt.Sprintf("x%x", key)[:min(2*len(key)+1, 64)]
	}
	return key
}

func (c careless) Load(ctx context.Context, key string) (core.Record, error) {
	return c.Store.Load(context.WithoutCancel(ctx), c.any(key))
}

func (c careless) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	return c.Store.Save(context.WithoutCancel(ctx), c.any(key), r)
}

func (c careless) Delete(ctx context.Context, key string) error {
	return c.Store.Delete(context.WithoutCancel(ctx), c.any(key))
}

func (c careless) List(ctx context.Context) ([]string, error) {
	return c.Store.List(context.WithoutCancel(ctx))
}

func (c careless) Lock(ctx context.Context, key string) (core.Lease, error) {
	held, err := c.Store.Lock(ctx, c.any(key))
	return held, plain(err)
}

func TestGuardMakesACarelessStoreConform(t *testing.T) {
	storetest.Run(t, func(*testing.T) core.TokenStore { return core.Guard(careless{memorystore.New()}) })
}

func TestGuardHasTheCapabilitiesOfTheStore(t *testing.T) {
	t.Parallel()
	got := core.CapabilitiesOf(core.Guard(struct{ core.TokenStore }{memorystore.New()}))
	if got != (core.Capabilities{}) {
		t.Errorf("a store without capabilities has %+v when it is guarded", got)
	}
	if got := core.CapabilitiesOf(core.Guard(memorystore.New())); got != (core.Capabilities{Locking: true, Listing: true}) {
		t.Errorf("a store with all capabilities has %+v when it is guarded", got)
	}
}
