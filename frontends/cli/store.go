package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/agent"
	"github.com/tokentoss/tokentoss/profile"
)

func (c *commands) stores() *cli.Command {
	return group("store", "where the session is kept, and how to move it", "setup",
		&cli.Command{Name: "list", Usage: "list the stores, what protects each, and which one is in use", Action: c.heavy(0, 0, storeList)},
		&cli.Command{Name: "use", Usage: "keep the session in a store from now on", ArgsUsage: "STORE", Action: c.heavy(1, 1, storeUse)},
		&cli.Command{Name: "lock", Usage: "forget passphrases and keys that are kept in memory", Action: c.run(0, 0, storeLock)},
		&cli.Command{Name: "migrate", Usage: "copy sessions from one store to another, and check them there", Flags: []cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "copy from `STORE`", DefaultText: "the one in use"},
			&cli.StringFlag{Name: "to", Usage: "copy to `STORE`"},
			&cli.BoolFlag{Name: "delete-source", Usage: "then delete them where they were"},
			&cli.BoolFlag{Name: "accept-unbound", Usage: "take sessions that an earlier tokentoss encrypted, once you have seen whose they are"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace other sessions that are there"},
		}, Action: c.heavy(0, 0, storeMigrate)})
}

// storeList lists the stores by name, and says which is in use and what protects
// the session there.
func storeList(ctx context.Context, in *Invocation) error {
	config, current, name, err := currentStore(in)
	if err != nil {
		return err
	}
	dir, err := in.Dir()
	if err != nil {
		return err
	}
	list, err := in.full.Names(dir, "STORE")
	if err != nil {
		return err
	}
	// The file store is the first.
	slices.SortStableFunc(list[1:], func(a, b Named) int { return cmp.Compare(a.Name, b.Name) })
	w := tabwriter.NewWriter(in.Stdout, 0, 0, 2, ' ', 0)
	for _, l := range list {
		mark := " "
		if l.Name == current {
			mark = "*"
		}
		fmt.Fprintf(w, "%s %s\t%s\n", mark, l.Name, l.About)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return protection(ctx, in, config, current, name)
}

// protection says what keeps others from reading the session of profile name in a
// store.
func protection(ctx context.Context, in *Invocation, config *profile.Config, store, name string) error {
	s, err := profile.OpenStore(config, store, name, profile.Options{OpenStore: in.StoreOpener(ctx)})
	if err != nil {
		return err
	}
	base := core.Full(s)
	if text := base.Describe(); text != "" {
		in.say.say("profile %s is kept in %s: %s", name, store, text)
	}
	return base.Close()
}

// currentStore returns the store and the profile in use.
func currentStore(in *Invocation) (config *profile.Config, store, name string, err error) {
	if config, _, err = in.config(); err != nil {
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
func storeUse(ctx context.Context, in *Invocation) error {
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
	in.say.say("profile %s uses store %s from now on", name, store)
	if before != store {
		in.say.hint("tokentoss store migrate --from %s --to %s, or tokentoss login", before, store)
	}
	return nil
}

// storeLock ends the agent.
func storeLock(ctx context.Context, in *Invocation) error {
	dir, err := in.Dir()
	if err != nil {
		return err
	}
	if err := (&agent.Client{Dir: dir}).Stop(ctx); err != nil {
		return err
	}
	in.say.say("passphrases and keys are no longer kept in memory")
	return nil
}
