package host

import (
	"context"

	"github.com/tokentoss/tokentoss/core"
)

// OpenStore opens an installed store as the table [stores.NAME] of config.toml says, for
// programs that embed tokentoss:
//
//	p, err := profile.Open(profile.Options{OpenStore: func(name string, p profile.Place) (core.TokenStore, error) {
//		return host.OpenStore(ctx, p.Dir, name, p.Settings)
//	}})
//
// dir is the configuration directory. Nobody is asked anything: a store that needs a person
// says so. Closing the profile ends the plugin.
func OpenStore(ctx context.Context, dir, name string, settings map[string]any) (core.TokenStore, error) {
	use, err := ParseUse(name, settings)
	if err != nil {
		return nil, err
	}
	return (&Host{Dir: dir}).OpenStore(ctx, use)
}
