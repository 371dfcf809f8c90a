package gonb

import (
	"context"

	"github.com/tokentoss/tokentoss/core"
)

// configuring is an App without an OAuth client, whatever client there is, so that its
// views ask for one.
type configuring struct {
	core.App
	saved func()
}

// Watch implements [core.App].
func (*configuring) Watch(ctx context.Context) (<-chan core.Status, error) {
	states := make(chan core.Status, 1)
	states <- core.Status{State: core.NotConfigured}
	context.AfterFunc(ctx, func() { close(states) })
	return states, nil
}

// Configure implements [core.App].
func (a *configuring) Configure(ctx context.Context, cs core.ClientSecrets) error {
	err := a.App.Configure(ctx, cs)
	if err == nil {
		a.saved()
	}
	return err
}
