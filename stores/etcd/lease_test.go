package etcd_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// short makes leases that end soon, as etcd counts.
func short(t *testing.T) etcd.Config {
	return etcd.Config{Endpoints: shared(t).endpoints, Prefix: newPrefix(t), RequestTimeout: "1s", LockTTL: "2s"}
}

// A provider may take longer than the lock's time to live: the lease is renewed
// for as long as the machine is there.
func TestSlowProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t, short(t), emulator.Options{RotateRefreshTokens: true, RevokeOnReuse: true})
	machines := w.machines(4)
	w.signIn(machines[0])
	w.expire()
	w.emu.SetFault(emulator.Token, &emulator.Fault{Delay: 4 * time.Second, Times: 1})
	together(bounded(t), machines).wantOne(t, w.clock.Now())
	w.wantRefreshes(1)
}

// The lease of a machine that was cut off ends before its request reaches the
// provider. Another one refreshes meanwhile; where refresh tokens work once, the
// request that comes too late fails. Its machine then takes what the other got.
func TestLeaseEndsBeforeTheProviderIsAsked(t *testing.T) {
	t.Parallel()
	for name, o := range providers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, short(t), o)
			network, g := newLink(t, w.store.Endpoints...), newGate(false)
			slow, other := w.machine(g, network.endpoints...), w.machine(nil)
			w.signIn(other)
			w.expire()
			first := together(bounded(t), []machine{slow})
			wait(t, "a request to the provider", g.stopped)
			network.set(cut)
			theirs := w.token(other) // which had to wait until the lease ended
			network.set(whole)
			waitForNetwork(t, slow)
			g.open()
			first.wantOne(t, w.clock.Now())
			w.wantRefreshes(2)
			if o.RotateRefreshTokens && first.tokens[0].Value != theirs {
				t.Error("the machine that came too late has another token than the one that is stored")
			}
			w.wantSession(slow, other)
		})
	}
}

// The lease ends after the provider has answered, and before the answer is saved.
// Where refresh tokens work once the next machine's request fails, since only
// the answer has the new one. It must be saved though the lease has ended.
func TestLeaseEndsBeforeTheAnswerIsSaved(t *testing.T) {
	t.Parallel()
	for name, o := range providers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, short(t), o)
			network, g := newLink(t, w.store.Endpoints...), newGate(true)
			slow, other := w.machine(g, network.endpoints...), w.machine(nil)
			w.signIn(other)
			w.expire()
			first := together(bounded(t), []machine{slow})
			wait(t, "an answer of the provider", g.stopped)
			network.set(cut)
			_, err := other.IDToken(bounded(t)) // which has to wait until the lease ends
			if o.RotateRefreshTokens && !errors.Is(err, core.ErrSignInNeeded) {
				t.Fatalf("a refresh token that was used already gave %v, so that this test shows nothing", err)
			} else if !o.RotateRefreshTokens {
				must(t, err)
			}
			network.set(whole)
			waitForNetwork(t, slow)
			g.open()
			first.wantOne(t, w.clock.Now())
			w.wantRefreshes(2)
			w.wantSession(slow, other)
		})
	}
}

// The network is still cut when the answer comes: the machine keeps it, and
// saves it when it refreshes again.
func TestAnswerCannotBeSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, short(t), emulator.Options{RotateRefreshTokens: true})
	network, g := newLink(t, w.store.Endpoints...), newGate(true)
	slow, other := w.machine(g, network.endpoints...), w.machine(nil)
	w.signIn(other)
	w.expire()
	first := together(bounded(t), []machine{slow})
	wait(t, "an answer of the provider", g.stopped)
	network.set(cut)
	g.open()
	first.wantOne(t, w.clock.Now())
	network.set(whole)
	waitForNetwork(t, slow)
	w.expire()
	w.token(slow)
	w.wantSession(slow, other)
}

// providers are those that keep refresh tokens and those that rotate them.
func providers() map[string]emulator.Options {
	return map[string]emulator.Options{"keeps refresh tokens": {}, "rotates refresh tokens": {RotateRefreshTokens: true}}
}

// wantSession checks that all machines have the session, now and after another
// refresh by each of them.
func (w *world) wantSession(machines ...machine) {
	w.t.Helper()
	for _, m := range machines {
		w.token(m)
	}
	for _, m := range machines {
		w.expire()
		want := w.token(m)
		for _, other := range machines {
			if w.token(other) != want {
				w.t.Error("the machines have different tokens")
			}
		}
	}
}

// waitForNetwork returns when m reaches etcd again.
func waitForNetwork(t *testing.T, m machine) {
	t.Helper()
	ctx := bounded(t)
	for {
		_, err := m.store.Load(ctx, core.DefaultKey)
		if err == nil {
			return
		}
		if ctx.Err() != nil || !errors.Is(err, core.ErrUnavailable) {
			t.Fatal(err)
		}
	}
}
