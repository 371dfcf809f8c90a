package full

import (
	"log/slog"
	"slices"

	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
	"github.com/tokentoss/tokentoss/profile"
)

// names returns the stores, the frontends or the plugins that there are. With an
// error it returns those that are not installed ones.
func names(dir, kind string) ([]cli.Named, error) {
	h := newHost(dir, slog.New(slog.DiscardHandler))
	if kind == "STORE" {
		list, err := stores(h)
		if config, failed := profile.ReadConfig(dir); failed == nil {
			list = append(list, aliases(config)...)
		}
		return list, err
	}
	var list []cli.Named
	if kind == "FRONTEND" {
		list = append(list, cli.Named{Name: "cli", About: "this terminal"})
	}
	add := func(d plugins.Description) {
		if kind == "PLUGIN" || d.Kind == plugins.KindFrontend {
			list = append(list, cli.Named{Name: d.Name, About: d.About})
		}
	}
	for _, p := range h.Bundled {
		add(p.Describe())
	}
	installed, err := h.List()
	for _, p := range installed {
		add(p.Description)
	}
	return list, err
}

// stores returns the stores that there are, the file store first.
func stores(h *host.Host) ([]cli.Named, error) {
	list := []cli.Named{{Name: profile.FileStore, About: "files that you alone can read"}}
	add := func(d plugins.Description, about string) {
		if d.Kind == plugins.KindStore {
			list = append(list, cli.Named{Name: d.Name, About: about})
		}
	}
	for _, p := range h.Bundled {
		add(p.Describe(), p.About)
	}
	installed, err := h.List()
	for _, p := range installed {
		add(p.Description, p.About+" (plugin "+p.Version+")")
	}
	return list, err
}

// aliases returns the names that config.toml gives to stores.
func aliases(config *profile.Config) []cli.Named {
	var list []cli.Named
	for alias, table := range config.Stores {
		if plugin, ok := table["plugin"].(string); ok && plugin != alias {
			list = append(list, cli.Named{Name: alias, About: "plugin " + plugin + ", from config.toml"})
		}
	}
	return list
}

// storeNames returns the names of all stores, sorted.
func storeNames(h *host.Host) []string {
	var names []string
	list, _ := stores(h) // what cannot be read has been reported already
	for _, l := range list {
		names = append(names, l.Name)
	}
	slices.Sort(names)
	return names
}
