package etcd_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// All members crash while a machine that has the lock waits for the provider, and come
// back: what the provider gave is saved, and no other machine asks with the old refresh
// token.
func TestClusterRestartsDuringTheRefresh(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, nil)
	w := newWorld(t, etcd.Config{Endpoints: c.endpoints, Prefix: "/tokentoss/ada", RequestTimeout: "20s", LockTTL: "60s"},
		emulator.Options{RotateRefreshTokens: true, RevokeOnReuse: true})
	g := newGate(false)
	holder, other := w.machine(g), w.machine(nil)
	w.signIn(other)
	w.expire()
	first := together(bounded(t), []machine{holder})
	wait(t, "a request to the provider", g.stopped)
	c.stop()
	g.open()
	c.restart(t)
	first.wantOne(t, w.clock.Now())
	w.wantRefreshes(1)
	if w.token(other) != w.token(holder) {
		t.Error("the machines have different tokens")
	}
	w.wantRefreshes(1)
}

// etcd has no space left: what is stored stays and can be read and removed, saves say what
// is the matter, who needs a token gets one, and all goes on when there is space again.
func TestEtcdHasNoSpace(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, func(m *memberConfig) { m.Quota = 8 << 20 })
	w := newWorld(t, etcd.Config{Endpoints: c.endpoints, Prefix: "/tokentoss/ada"}, emulator.Options{})
	first, second, client := w.machine(nil), w.machine(nil), c.client(t)
	w.signIn(first)
	var err error
	for i := 0; err == nil && i < 100; i++ {
		_, err = client.Put(bounded(t), fmt.Sprintf("/ballast/%d", i), string(bytes.Repeat([]byte{'x'}, 1<<20)))
	}
	if !errors.Is(err, rpctypes.ErrNoSpace) {
		t.Fatalf("etcd takes all that it is given: %v", err)
	}
	before, err := first.store.Load(bounded(t), core.DefaultKey)
	must(t, err)
	if _, err := first.store.Save(bounded(t), core.DefaultKey, before); !errors.Is(err, core.ErrReadOnly) {
		t.Errorf("Save: error is %v, want core.ErrReadOnly", err)
	}
	if err := core.Full(first.store).Check(bounded(t), core.DefaultKey); !errors.Is(err, core.ErrReadOnly) {
		t.Errorf("Check: error is %v, want core.ErrReadOnly", err)
	}
	w.expire()
	w.token(first)
	w.token(second)
	if now, err := first.store.Load(bounded(t), core.DefaultKey); err != nil || now.Revision != before.Revision {
		t.Errorf("Load: %v, error %v", now, err)
	}

	resp, err := client.Delete(bounded(t), "/ballast/", clientv3.WithPrefix())
	must(t, err)
	_, err = client.Compact(bounded(t), resp.Header.Revision, clientv3.WithCompactPhysical())
	must(t, err)
	_, err = client.Defragment(bounded(t), c.endpoints[0])
	must(t, err)
	alarms, err := client.AlarmList(bounded(t))
	must(t, err)
	for _, alarm := range alarms.Alarms {
		if alarm.Alarm != etcdserverpb.AlarmType_NOSPACE {
			t.Errorf("alarm %v", alarm)
		}
		_, err := client.AlarmDisarm(bounded(t), (*clientv3.AlarmMember)(alarm))
		must(t, err)
	}
	w.wantSession(first, second)
}
