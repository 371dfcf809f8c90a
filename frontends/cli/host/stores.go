package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
	"github.com/tokentoss/tokentoss/profile"
)

// A listed is a line of "store list".
type listed struct{ name, about string }

// storesOf returns the stores that there are, the file store first.
func storesOf(h *host.Host) ([]listed, error) {
	list := []listed{{profile.FileStore, "files that you alone can read"}}
	add := func(d plugins.Description, about string) {
		if d.Kind == plugins.KindStore {
			list = append(list, listed{d.Name, about})
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
func aliases(config *profile.Config) []listed {
	var list []listed
	for alias, table := range config.Stores {
		if plugin, ok := table["plugin"].(string); ok && plugin != alias {
			list = append(list, listed{alias, "plugin " + plugin + ", as config.toml says"})
		}
	}
	return list
}

// storeNames returns the names of all stores, sorted.
func storeNames(h *host.Host) []string {
	var names []string
	list, _ := storesOf(h) // what cannot be read has been said already
	for _, l := range list {
		names = append(names, l.name)
	}
	slices.Sort(names)
	return names
}

// storeList lists the stores by name, and says which is in use and what protects
// the session there.
func storeList(ctx context.Context, in *cli.Invocation) error {
	config, current, name, err := currentStore(in)
	if err != nil {
		return err
	}
	h, err := pluginHost(in)
	if err != nil {
		return err
	}
	list, err := storesOf(h)
	if err != nil {
		return err
	}
	list = append(list, aliases(config)...)
	slices.SortStableFunc(list[1:], func(a, b listed) int { return cmp.Compare(a.name, b.name) })
	w := tabwriter.NewWriter(in.Stdout, 0, 0, 2, ' ', 0)
	for _, l := range list {
		mark := " "
		if l.name == current {
			mark = "*"
		}
		fmt.Fprintf(w, "%s %s\t%s\n", mark, l.name, l.about)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return protection(ctx, in, config, current, name)
}

// protection says what keeps others from reading the session in the store in use.
func protection(ctx context.Context, in *cli.Invocation, config *profile.Config, store, name string) error {
	s, err := profile.OpenStore(config, store, name, profile.Options{OpenStore: in.StoreOpener(ctx)})
	if err != nil {
		return err
	}
	base := core.Full(s)
	if text := base.Describe(); text != "" {
		in.Say("profile %s is kept in %s: %s", name, store, text)
	}
	return base.Close()
}

// currentStore returns the store and the profile in use.
func currentStore(in *cli.Invocation) (config *profile.Config, store, name string, err error) {
	dir, err := in.Dir()
	if err != nil {
		return nil, "", "", err
	}
	if config, err = profile.ReadConfig(dir); err != nil {
		return nil, "", "", err
	}
	name = config.NameOr(in.String("profile"))
	settings, err := config.SettingsOf(name)
	if err != nil {
		return nil, "", "", err
	}
	return config, settings.StoreOr(in.String("store")), name, nil
}

// storeUse sets the store of a profile, once it was opened.
func storeUse(ctx context.Context, in *cli.Invocation) error {
	config, before, name, err := currentStore(in)
	if err != nil {
		return err
	}
	store := in.Args().First()
	if err := protection(ctx, in, config, store, name); err != nil {
		return err
	}
	if err := config.SetStore(name, store); err != nil {
		return err
	}
	in.Say("profile %s uses store %s from now on", name, store)
	if before != store {
		in.Hint("tokentoss store migrate --from %s --to %s, or tokentoss login", before, store)
	}
	return nil
}

// storeMigrate copies sessions, checks the copies, and deletes the originals if it
// shall.
func storeMigrate(ctx context.Context, in *cli.Invocation) error {
	config, current, name, err := currentStore(in)
	if err != nil {
		return err
	}
	from, to := cmp.Or(in.String("from"), current), in.String("to")
	switch {
	case to == "":
		return cli.Usage("tokentoss store migrate --from A --to B", "store migrate: which store is it --to?")
	case from == to:
		return cli.Usage("tokentoss store list", "store migrate: from %s to %s is no way", from, to)
	}
	o := profile.Options{OpenStore: in.StoreOpener(ctx)}
	source, err := profile.OpenStore(config, from, name, o)
	if err != nil {
		return err
	}
	defer core.Full(source).Close()
	target, err := profile.OpenStore(config, to, name, o)
	if err != nil {
		return err
	}
	defer core.Full(target).Close()
	m := migration{from: source, to: target, overwrite: in.Bool("overwrite"), remove: in.Bool("delete-source")}
	keys, err := m.keys(ctx, config.Names())
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := m.move(ctx, key); err != nil {
			return fmt.Errorf("the session of profile %s was not moved from %s to %s: %w", key, from, to, err)
		}
		in.Say("the session of profile %s is in %s now", key, to)
	}
	if len(keys) == 0 {
		in.Say("there is no session in %s", from)
	}
	if current != to {
		in.Hint("tokentoss store use %s", to)
	}
	return nil
}

// lockTimeout is how long a migration waits for a refresh.
const lockTimeout = 15 * time.Second

// A migration moves documents from one store to another.
type migration struct {
	from, to          core.TokenStore
	overwrite, remove bool
}

// keys returns the keys of the documents to move. Of a store that cannot list
// them, those of the profiles are tried.
func (m *migration) keys(ctx context.Context, profiles []string) ([]string, error) {
	if core.CapabilitiesOf(m.from).Listing {
		return core.Full(m.from).List(ctx)
	}
	var keys []string
	for _, key := range profiles {
		switch _, err := m.from.Load(ctx, key); {
		case err == nil:
			keys = append(keys, key)
		case !errors.Is(err, core.ErrNotFound):
			return nil, err
		}
	}
	return keys, nil
}

// move copies one document while nobody refreshes it, reads the copy, and deletes
// the original if it is still what was copied.
func (m *migration) move(ctx context.Context, key string) error {
	waiting, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	for _, s := range []core.TokenStore{m.from, m.to} {
		if core.CapabilitiesOf(s).Locking {
			lease, err := core.Full(s).Lock(waiting, key)
			if err != nil {
				return err
			}
			defer lease.Release()
		}
	}
	record, err := m.from.Load(ctx, key)
	if err != nil {
		return err
	}
	there, err := m.to.Load(ctx, key)
	switch {
	case err == nil && string(there.Data) == string(record.Data):
	case err == nil && !m.overwrite:
		return cli.Hinted(fmt.Errorf("there is another session there: %w", core.ErrConflict), "--overwrite replaces it")
	case err != nil && !errors.Is(err, core.ErrNotFound):
		return err
	default:
		if _, err := m.to.Save(ctx, key, core.Record{Data: record.Data, Revision: there.Revision}); err != nil {
			return err
		}
	}
	copied, err := m.to.Load(ctx, key)
	if err != nil {
		return fmt.Errorf("the copy cannot be read, and the original was kept: %w", err)
	}
	if string(copied.Data) != string(record.Data) {
		return errors.New("the copy is not what was written, and the original was kept")
	}
	if !m.remove {
		return nil
	}
	now, err := m.from.Load(ctx, key)
	if err != nil {
		return err
	}
	if now.Revision != record.Revision {
		return fmt.Errorf("it changed while it was copied, and was kept: %w", core.ErrConflict)
	}
	return m.from.Delete(ctx, key)
}
