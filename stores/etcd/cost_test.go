package etcd_test

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// What a call costs is the same among many sessions as among few, and with unused_after: a
// load is one call of etcd that reads two keys, a save one that compares and writes two, a lock
// that is free a lease and one call. A list is a call for each thousand keys.
func TestCostOfCalls(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, nil)
	config := etcd.Config{Endpoints: c.endpoints, Prefix: "/tokentoss/ada"}
	fillKeys(t, c.client(t), config.Prefix+"/sessions/", 2500)
	s := openShort(t, config, time.Hour)
	r := save(t, s, core.Record{})
	for _, row := range []struct {
		name string
		want cost
		call func() error
	}{
		{"Load", cost{calls: 1, reads: 2}, func() error { _, err := s.Load(bounded(t), core.DefaultKey); return err }},
		{"Load of nothing", cost{calls: 1, reads: 2}, func() error { _, _ = s.Load(bounded(t), "nothing"); return nil }},
		{"Save", cost{calls: 1, reads: 2, writes: 2}, func() (err error) { r, err = s.Save(bounded(t), core.DefaultKey, r); return err }},
		{"Lock and Release", cost{calls: 1, reads: 3, writes: 1, leases: 2}, func() error {
			held, err := core.Full(s).Lock(bounded(t), core.DefaultKey)
			if err != nil {
				return err
			}
			return held.Release()
		}},
		{"List", cost{calls: 3, reads: 3}, func() error { _, err := core.Full(s).List(bounded(t)); return err }},
	} {
		before := costs(t, c)
		must(t, row.call())
		if got := costs(t, c).minus(before); got != row.want {
			t.Errorf("%s: %+v, want %+v", row.name, got, row.want)
		}
	}
}

// A cost is what a member counts: calls of its keys, the ranges that they read and the keys
// that they write, and the leases that are granted and revoked.
type cost struct{ calls, reads, writes, leases float64 }

func (c cost) minus(o cost) cost {
	return cost{c.calls - o.calls, c.reads - o.reads, c.writes - o.writes, c.leases - o.leases}
}

// costs returns what a member has counted since it began.
func costs(t testing.TB, c *cluster) (n cost) {
	t.Helper()
	req, err := http.NewRequestWithContext(bounded(t), http.MethodGet, c.endpoints[0]+"/metrics", nil)
	must(t, err)
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	must(t, err)
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		i := strings.LastIndexByte(lines.Text(), ' ')
		value, err := strconv.ParseFloat(lines.Text()[i+1:], 64)
		if err != nil {
			continue
		}
		switch name := lines.Text()[:i]; {
		case strings.HasPrefix(name, "grpc_server_handled_total{") && strings.Contains(name, `grpc_service="etcdserverpb.KV"`):
			n.calls += value
		case name == "etcd_mvcc_range_total":
			n.reads += value
		case name == "etcd_mvcc_put_total":
			n.writes += value
		case name == "etcd_debugging_lease_granted_total", name == "etcd_debugging_lease_revoked_total":
			n.leases += value
		}
	}
	if n.calls == 0 || n.reads == 0 || n.writes == 0 {
		t.Fatalf("the member counts nothing: %+v", n)
	}
	return n
}
