//go:build linux

package jupyter_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// leaksAreSeen shows that the check after each flow sees each kind of secret, in what a
// notebook prints.
func leaksAreSeen(d *desk, a app) {
	p := d.open(a, showSignIn, "print(open('planted').read())")
	p.run(0)
	p.signIn(0, ada)
	d.expire()
	d.shell(nil, "token") // a refresh
	p.press(0, "Sign out")
	p.sees(0, "Sign in with Google to continue")
	if found := d.secrets.in(p.href(0)); !slices.Contains(found, "state") {
		d.t.Errorf("of an address that nobody has opened, the check sees %q", found)
	}
	if found := d.secrets.in(p.save()); len(found) > 0 {
		d.t.Errorf("before a secret is planted, the notebook has the %s", strings.Join(found, ", "))
	}
	if known := d.secrets.known(); !slices.Equal(known, kinds) {
		d.t.Errorf("the check knows %q, want %q", known, kinds)
	}
	d.secrets.mu.Lock()
	all := slices.Collect(maps.Keys(d.secrets.kinds))
	d.secrets.mu.Unlock()
	if err := os.WriteFile(filepath.Join(d.notes, "planted"), []byte(strings.Join(all, "\n")), 0o600); err != nil {
		d.t.Fatal(err)
	}
	p.run(1)
	if found := d.secrets.in(p.save()); !slices.Equal(found, kinds) {
		d.t.Errorf("in the notebook the check sees %q, want %q", found, kinds)
	}
	if err := os.RemoveAll(d.notes); err != nil {
		d.t.Error(err)
	}
}
