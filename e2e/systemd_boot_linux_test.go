package e2e_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/e2e/internal/suite"
	"github.com/tokentoss/tokentoss/emulator"
)

// unitUID is the user app of testdata/systemd.sh, whose proxy the unit is. There is no such
// user outside of it.
const unitUID = 64242

// Under systemd, with all that the unit forbids, the proxy starts with the first
// connection to its socket, knows whose connections are, and lets in those of its user and
// of root, and no other's.
func TestSystemdUnitServesItsUserAlone(t *testing.T) {
	suite.Need(t, suite.Systemd)
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can start systemd")
	}
	m := newSession(t, emulator.Options{})
	writeFile(t, filepath.Join(m.dir, "config.toml"), []byte(fmt.Sprintf(`
[frontends.proxy]
targets = [%q]
secret = "none"
metrics_bearer_file = "/run/credentials/tokentoss-proxy@app.service/metrics"
`, m.provider.IAPURL())))
	proxy, metrics := quietAddress(t), quietAddress(t)
	bootSystemd(t, m, proxy, metrics)

	for uid, served := range map[uint32]bool{unitUID: true, 0: true, unitUID + 1: false, 65534: false} {
		c := exec.Command("curl", "-sS", "--max-time", "60", "http://"+proxy+"/whoami")
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}, Setpgid: true}
		c.Dir = "/"
		if got := finish(t, c); strings.Contains(got.stdout, ada) != served || (got.code == 0) != served {
			t.Errorf("user %d: exit code %d, %s%s; served should be %v", uid, got.code, got.stdout, got.stderr, served)
		}
	}
	c := exec.Command("curl", "-sS", "--max-time", "60", "-H", "Authorization: Bearer the-word-of-the-scraper", "http://"+metrics+"/metrics")
	if got := finish(t, c); !strings.Contains(got.stdout, `tokentoss_requests_total{code="200"} 2`) {
		t.Errorf("metrics: %s%s", got.stdout, got.stderr)
	}
}

// quietAddress returns an address of this machine that nobody else looks at, with a port
// that is free there.
func quietAddress(t *testing.T) string {
	t.Helper()
	pid := os.Getpid()
	l := listenTCP(t, fmt.Sprintf("127.%d.%d.%d:0", 64+pid>>16&63, pid>>8&255, pid&255))
	defer l.Close()
	return l.Addr().String()
}

// bootSystemd starts systemd with the units of docs/operate.md, and waits until it listens.
func bootSystemd(t *testing.T, m *machine, proxy, metrics string) {
	t.Helper()
	units, err := filepath.Abs("../docs/systemd")
	if err != nil {
		t.Fatal(err)
	}
	scratch, group := t.TempDir(), fmt.Sprintf("tokentoss-test-%d", os.Getpid())
	inOwnMounts := func(args ...string) *exec.Cmd {
		c := exec.Command("unshare", append([]string{"--mount", "sh"}, args...)...)
		c.Env = []string{
			"PATH=" + os.Getenv("PATH"), "SCRATCH=" + scratch, "GROUP=" + group,
			"UNITS=" + units, "BINARIES=" + binaries(t), "CONFIG=" + m.dir, "PROXY=" + proxy, "METRICS=" + metrics,
		}
		return c
	}
	t.Cleanup(func() {
		poll(t, "its control groups are empty", func() bool {
			return inOwnMounts("-c", `mount -t cgroup2 cgroup2 "$SCRATCH" || exit 0
				find "$SCRATCH/$GROUP" "$SCRATCH/$GROUP-booted" -depth -type d -exec rmdir {} +
				[ ! -d "$SCRATCH/$GROUP" ] && [ ! -d "$SCRATCH/$GROUP-booted" ]`).Run() == nil
		})
	})
	const script = "testdata/systemd.sh"
	if out, err := inOwnMounts(script, "test", "-x", "/lib/systemd/systemd").CombinedOutput(); err != nil {
		t.Skipf("systemd cannot be started in namespaces here: %v: %s", err, out)
	}
	boot := inOwnMounts(script)
	boot.Env = append(boot.Env, "GROUP="+group+"-booted")
	p := start(t, boot)
	for _, address := range []string{proxy, metrics} {
		poll(t, "systemd listens on "+address, func() bool {
			alive(t, p)
			c, err := net.Dial("tcp", address)
			if err == nil {
				c.Close()
			}
			return err == nil
		})
	}
}
