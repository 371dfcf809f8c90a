package gonb

import (
	"context"
	"sync/atomic"

	"github.com/tokentoss/tokentoss/core"
)

// configuring is an App without an OAuth client, whatever client there is, so that its
// views ask for one. It signs nobody in.
type configuring struct {
	core.App
	saved func()
	done  atomic.Bool
}

// Watch implements [core.App].
func (a *configuring) Watch(ctx context.Context) (<-chan core.Status, error) {
	st := core.Status{State: core.NotConfigured}
	if a.done.Load() {
		st.State = core.SignedOut
	}
	states := make(chan core.Status, 1)
	states <- st
	context.AfterFunc(ctx, func() { close(states) })
	return states, nil
}

// Configure implements [core.App].
func (a *configuring) Configure(ctx context.Context, cs core.ClientSecrets) error {
	err := a.App.Configure(ctx, cs)
	if err == nil {
		a.done.Store(true)
		a.saved()
	}
	return err
}

// SignIn implements [core.App].
func (*configuring) SignIn(ctx context.Context, _ core.Prompter) (core.Status, error) {
	<-ctx.Done()
	return core.Status{}, ctx.Err()
}
