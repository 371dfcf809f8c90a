package host

import (
	"log/slog"

	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/profile"
)

// names returns the stores, the frontends or the plugins that there are, with what
// they are.
func names(dir, kind string) []string {
	h := newHost(dir, slog.New(slog.DiscardHandler))
	installed, _ := h.List() // what cannot be read has no names
	var lines []string
	add := func(name, about string) { lines = append(lines, name+"\t"+about) }
	switch kind {
	case "STORE":
		stores, _ := storesOf(h)
		for _, l := range stores {
			add(l.name, l.about)
		}
		if config, err := profile.ReadConfig(dir); err == nil {
			for _, l := range aliases(config) {
				add(l.name, l.about)
			}
		}
		return lines
	case "FRONTEND":
		add("cli", "this terminal")
	}
	for _, p := range h.Bundled {
		if d := p.Describe(); kind == "PLUGIN" || d.Kind == plugins.KindFrontend {
			add(d.Name, p.About)
		}
	}
	for _, p := range installed {
		if kind == "PLUGIN" || p.Kind == plugins.KindFrontend {
			add(p.Name, p.About)
		}
	}
	return lines
}
