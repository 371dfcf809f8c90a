package full

import (
	"context"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/http/metadata"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
	"github.com/tokentoss/tokentoss/frontends/http/serve"
	"github.com/tokentoss/tokentoss/frontends/notebook"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/stores/encrypted"
	"github.com/tokentoss/tokentoss/stores/keyring"
)

// bundled are the plugins that are a part of tokentoss-host. They are loaded as
// any other, from a second process of it.
func bundled() []plugins.Plugin {
	info := func(name, about string) plugins.Info {
		return plugins.Info{Name: name, About: about, Locking: true, Listing: true}
	}
	return []plugins.Plugin{
		serve.Plugin(), proxy.Plugin(), metadata.Plugin(), notebook.Plugin(),
		plugins.Store(info("encrypted", "files, encrypted by age: for an identity, an SSH key, or a passphrase"),
			func(_ context.Context, o plugins.Opening[encrypted.Config]) (core.TokenStore, error) {
				return encrypted.Open(o.Config, o.Dir, encrypted.Ask(o.Ask))
			}),
		plugins.Store(info("keyring", "files, encrypted with a key that the system's keyring keeps"),
			func(_ context.Context, o plugins.Opening[keyring.Config]) (core.TokenStore, error) {
				return keyring.Open(o.Config, o.Dir)
			}),
	}
}
