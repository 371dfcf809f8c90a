package full

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
	"github.com/tokentoss/tokentoss/profile"
)

// pluginHost returns what loads the plugins of this invocation.
func pluginHost(in *cli.Invocation) (*host.Host, error) {
	dir, err := in.Dir()
	if err != nil {
		return nil, err
	}
	return newHost(dir, in.Logger()), nil
}

// plugin implements [cli.Plugins].
type plugin struct{}

func (plugin) List(_ context.Context, in *cli.Invocation, asJSON bool) error {
	h, err := pluginHost(in)
	if err != nil {
		return err
	}
	installed, err := h.List()
	if err != nil {
		return err
	}
	if asJSON {
		list := []host.Installed{}
		for _, p := range h.Bundled {
			list = append(list, host.Installed{Description: p.Describe()})
		}
		return printJSON(in.Stdout, append(list, installed...))
	}
	w := tabwriter.NewWriter(in.Stdout, 0, 0, 2, ' ', 0)
	for _, p := range h.Bundled {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Name, p.Kind, "bundled", p.About)
	}
	for _, p := range installed {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Name, p.Kind, p.Version, p.About)
	}
	return w.Flush()
}

func (plugin) Install(ctx context.Context, in *cli.Invocation, path, sha256 string) error {
	h, err := pluginHost(in)
	if err != nil {
		return err
	}
	stop := in.ShowProgress("installing " + path)
	p, err := h.Install(ctx, path, sha256)
	stop()
	if err != nil {
		return err
	}
	if p.Previous != nil && p.Previous.SHA256 != p.SHA256 {
		in.Say("installed %s %s, a %s: %s; replaces %s", p.Name, p.Version, p.Kind, p.About, p.Previous.Version)
	} else {
		in.Say("installed %s %s, a %s: %s", p.Name, p.Version, p.Kind, p.About)
	}
	in.Say("pinned %s, SHA-256 %s", p.Path, p.SHA256)
	if p.Kind == plugins.KindStore {
		in.Hint("tokentoss store use %s", p.Name)
	} else {
		in.Hint("tokentoss --frontend %s login", p.Name)
	}
	return nil
}

func (plugin) Describe(_ context.Context, in *cli.Invocation, name string, asJSON bool) error {
	h, err := pluginHost(in)
	if err != nil {
		return err
	}
	d, err := h.Describe(name)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(in.Stdout, d)
	}
	return describe(in.Stdout, h, d)
}

// describe prints what is known of a plugin.
func describe(out io.Writer, h *host.Host, d plugins.Description) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "name\t%s\nkind\t%s\nversion\t%s\nabout\t%s\n", d.Name, d.Kind, d.Version, d.About)
	if d.Kind == plugins.KindStore {
		fmt.Fprintf(w, "locking\t%t\nlisting\t%t\n", d.Locking, d.Listing)
	}
	list, err := h.List()
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.Name == d.Name {
			fmt.Fprintf(w, "path\t%s\nsha256\t%s\ninstalled\t%s\n", p.Path, p.SHA256, p.Installed.Local().Format("2006-01-02 15:04"))
		}
	}
	if len(d.Settings) > 0 {
		fmt.Fprintf(w, "\nsettings in config.toml, [%ss.%s]:\n", d.Kind, d.Name)
	}
	for _, s := range d.Settings {
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Name, s.Type, s.Words())
	}
	return w.Flush()
}

func (plugin) Verify(ctx context.Context, in *cli.Invocation, names []string) error {
	h, err := pluginHost(in)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		installed, err := h.List()
		if err != nil {
			return err
		}
		for _, p := range installed {
			names = append(names, p.Name)
		}
	}
	var failed []error
	for _, name := range names {
		if err := h.Verify(ctx, name); err != nil {
			failed = append(failed, err)
			continue
		}
		in.Say("%s is what was installed", name)
	}
	return errors.Join(failed...)
}

func (plugin) Rollback(ctx context.Context, in *cli.Invocation, name string) error {
	h, err := pluginHost(in)
	if err != nil {
		return err
	}
	p, err := h.Rollback(ctx, name)
	if err != nil {
		return err
	}
	in.Say("%s is %s again, in place of %s", p.Name, p.Version, p.Previous.Version)
	return nil
}

func (plugin) Remove(ctx context.Context, in *cli.Invocation, name string) error {
	h, err := pluginHost(in)
	if err != nil {
		return err
	}
	d, err := h.Describe(name)
	if err != nil {
		return err
	}
	if err := h.Remove(ctx, name); err != nil {
		return err
	}
	in.Say("removed %s; what it stored is still there", name)
	config, err := profile.ReadConfig(h.Dir)
	if err != nil {
		return nil //nolint:nilerr // which says what is wrong when it is needed
	}
	for _, use := range usesOf(config, d) {
		in.Warn("%s still uses %s", use, name)
	}
	return nil
}

// usesOf returns where config.toml uses a plugin, in words.
func usesOf(c *profile.Config, d plugins.Description) []string {
	tables, chosen := c.Stores, func(s profile.Settings) string { return s.Store }
	if d.Kind == plugins.KindFrontend {
		tables, chosen = c.Frontends, func(s profile.Settings) string { return s.Frontend }
	}
	is := func(name string) bool {
		if plugin, ok := tables[name]["plugin"].(string); ok {
			return plugin == d.Name
		}
		return name == d.Name
	}
	var uses []string
	for name := range tables {
		if is(name) {
			uses = append(uses, fmt.Sprintf("[%ss.%s] in config.toml", d.Kind, name))
		}
	}
	if name := chosen(c.Settings); name != "" && is(name) {
		uses = append(uses, fmt.Sprintf("%s = %q in config.toml", d.Kind, name))
	}
	for p, s := range c.Profiles {
		if name := chosen(s); name != "" && is(name) {
			uses = append(uses, "the profile "+p)
		}
	}
	slices.Sort(uses)
	return uses
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
