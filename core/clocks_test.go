package core_test

import (
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// command is a machine's process for one token, whose clock is wrong by ahead.
func (w *world) command(host string, ahead time.Duration) core.IDToken {
	w.t.Helper()
	now := func() time.Time { return w.clock.Now().Add(ahead) }
	s := w.session(oneShot, func(o *core.SessionOptions) {
		o.Now, o.Host, o.Lifetime = now, host, 0
		o.Client = w.client(func(o *oidc.ProviderOptions) { o.Now = now })
	})
	return w.token(s)
}

// Machines that share a store, and whose clocks differ, do not renew in turn: each learns
// once in the life of a token how wrong its clock is.
func TestMachinesWhoseClocksDifferDoNotRenewInTurn(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for _, machines := range []map[string]time.Duration{
		{"right": 0, "ahead": 2 * time.Hour},
		{"right": 0, "behind": -2 * time.Hour},
		{"right": 0, "a little ahead": 2 * time.Minute},
		{"ahead": 26 * time.Hour, "behind": -26 * time.Hour},
		{"right": 0, "ahead": 3 * time.Hour, "behind": -90 * time.Minute},
	} {
		w := shared.fork(t)
		w.signedIn()
		w.cheap()
		for hour := range 4 {
			before := w.refreshes()
			for range 30 { // every two minutes
				for host, ahead := range machines {
					w.command(host, ahead)
				}
				w.clock.advance(2 * time.Minute)
			}
			if n := w.refreshes() - before; n > len(machines)+1 {
				t.Errorf("clocks %v: %d renewals in hour %d, want at most one of each machine and token", machines, n, hour)
			}
		}
	}
}

// A clock that is set right is believed again after a renewal or two.
func TestAClockThatIsSetRightIsBelieved(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for _, ahead := range []time.Duration{2 * time.Hour, -2 * time.Hour, 20 * time.Minute} {
		w := shared.fork(t)
		w.signedIn()
		w.command("right", 0)
		w.command("mended", ahead)
		w.command("right", 0)
		before := w.refreshes()
		for range 40 {
			w.clock.advance(time.Minute)
			w.command("mended", 0)
			w.command("right", 0)
		}
		if n := w.refreshes() - before; n > 2 {
			t.Errorf("a clock that was %s ahead: %d renewals after it was set right", ahead, n)
		}
	}
}
