package etcd_test

import (
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// contenders are the machines that want a token at the same moment.
const contenders = 16

// However many machines meet an expired token, there is one request, and all
// have the same token; also where a refresh token works once.
func TestMachinesMakeOneRefresh(t *testing.T) {
	w := newWorld(t, etcd.Config{Endpoints: shared(t).endpoints, Prefix: newPrefix(t)},
		emulator.Options{RotateRefreshTokens: true, RevokeOnReuse: true})
	machines := w.machines(contenders)
	w.signIn(machines[0])
	for round := range 5 {
		w.expire()
		together(bounded(t), machines).wantOne(t, w.clock.Now())
		w.wantRefreshes(round + 1)
	}
	wantNoLocks(t, shared(t), w.store.Prefix)
}

// The leader dies while a machine that has the lock waits for the provider, and
// fifteen wait for the lock.
func TestLeaderDiesDuringTheRefresh(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	w := newWorld(t, etcd.Config{Endpoints: c.endpoints, Prefix: "/tokentoss/ada", RequestTimeout: "10s"},
		emulator.Options{RotateRefreshTokens: true, RevokeOnReuse: true})
	g := newGate(false)
	holder, others := w.machine(g), w.machines(contenders-1)
	w.signIn(others[0])
	w.expire()
	first := together(bounded(t), []machine{holder})
	wait(t, "a request to the provider", g.stopped)
	rest := together(bounded(t), others)
	waitForQueue(t, c, w.store.Prefix, contenders)
	c.leader(t).kill()
	g.open() // nobody is the leader now
	first.wantOne(t, w.clock.Now())
	rest.wantOne(t, w.clock.Now())
	w.wantRefreshes(1)
	if w.token(holder) != w.token(others[0]) {
		t.Error("the machines have different tokens")
	}
	w.expire()
	together(bounded(t), others).wantOne(t, w.clock.Now())
	w.wantRefreshes(2)
}

// One member hears nothing of the others, and still answers its clients.
func TestMemberIsCutOffDuringTheRefresh(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	w := newWorld(t, etcd.Config{Endpoints: c.endpoints, Prefix: "/tokentoss/ada", RequestTimeout: "10s"}, emulator.Options{RotateRefreshTokens: true, RevokeOnReuse: true})
	g := newGate(false)
	holder, others := w.machine(g), w.machines(contenders-1)
	w.signIn(others[0])
	w.expire()
	first := together(bounded(t), []machine{holder})
	wait(t, "a request to the provider", g.stopped)
	rest := together(bounded(t), others)
	waitForQueue(t, c, w.store.Prefix, contenders)
	c.leader(t).isolate(t)
	g.open()
	first.wantOne(t, w.clock.Now())
	rest.wantOne(t, w.clock.Now())
	w.wantRefreshes(1)
}

// A machine that reaches no member learns that soon, and the others do not mind.
// Once it is back it has their token, without a request of its own.
func TestMachineIsCutOff(t *testing.T) {
	t.Parallel()
	c := shared(t)
	w := newWorld(t, etcd.Config{Endpoints: c.endpoints, Prefix: newPrefix(t), RequestTimeout: "1s"}, emulator.Options{})
	network := newLink(t, c.endpoints...)
	lonely, others := w.machine(nil, network.endpoints...), w.machines(3)
	w.signIn(lonely)
	for i, state := range []state{cut, silent} {
		network.set(state)
		w.expire()
		alone := together(bounded(t), []machine{lonely})
		together(bounded(t), others).wantOne(t, w.clock.Now())
		alone.done.Wait()
		wantUnavailable(t, "IDToken without a network", alone.errs[0])
		network.set(whole)
		for {
			token, err := lonely.IDToken(bounded(t))
			if err == nil {
				if token.Value != w.token(others[0]) {
					t.Error("the machine that was cut off has another token")
				}
				break
			}
			wantUnavailable(t, "IDToken while connections are made again", err)
			if bounded(t).Err() != nil || t.Failed() {
				t.FailNow()
			}
		}
		w.wantRefreshes(i + 1)
	}
}
