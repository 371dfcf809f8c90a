package etcd_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// The executable, as a person installs and uses it.
func TestInstalled(t *testing.T) {
	c := shared(t)
	dir := t.TempDir()
	executable := filepath.Join(dir, "tokentoss-store-etcd")
	build := exec.CommandContext(bounded(t), "go", "build", "-o", executable, "./cmd/tokentoss-store-etcd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the executable: %v\n%s", err, out)
	}
	h := &host.Host{Dir: filepath.Join(dir, "config")}
	p, err := h.Install(bounded(t), executable, "")
	must(t, err)
	if p.Name != "etcd" || p.Kind != plugins.KindStore || !p.Locking || !p.Listing || len(p.Settings) == 0 {
		t.Errorf("it says that it is %+v", p.Description)
	}
	must(t, h.Verify(bounded(t), "etcd"))

	settings, err := json.Marshal(etcd.Config{Endpoints: c.endpoints, Prefix: newPrefix(t)})
	must(t, err)
	open := func() core.TokenStore {
		t.Helper()
		s, err := h.OpenStore(bounded(t), host.Use{Plugin: "etcd", Request: plugins.Request{Settings: settings}})
		must(t, err)
		return s
	}
	s := open()
	lease, err := s.(core.Locker).Lock(bounded(t), core.DefaultKey)
	must(t, err)
	_, err = s.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("kept")})
	must(t, err)
	must(t, lease.Release())
	must(t, core.Full(s).Close())

	s = open()
	defer core.Full(s).Close()
	if r, err := s.Load(bounded(t), core.DefaultKey); err != nil || string(r.Data) != "kept" {
		t.Errorf("Load by another process: %v, error %v", r, err)
	}
}
