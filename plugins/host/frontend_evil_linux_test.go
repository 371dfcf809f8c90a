package host_test

import (
	"context"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
)

func evilFrontend() plugins.Plugin {
	return plugins.Frontend(plugins.Info{Name: "evil-frontend", Version: "v1"},
		func(context.Context, plugins.Opening[evilConfig]) (core.Frontend, error) { return nil, nil })
}
