package e2e_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A container of the recipe in docs/operate.md gives a machine's tokens, as nobody, on a
// read-only file system in which there is nothing but the executables, settings and /state.
// It is made by hand here: a container engine is not needed for it.
func TestContainerRecipe(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make the file system")
	}
	_, recipe, ok := strings.Cut(string(mustRead(t, "../docs/operate.md")), "```dockerfile\n")
	recipe, _, closed := strings.Cut(recipe, "```")
	if !ok || !closed || !strings.Contains(recipe, "FROM scratch\nCOPY tokentoss tokentoss-host /usr/local/bin/\n") || !strings.Contains(recipe, `ENTRYPOINT ["tokentoss"]`) {
		t.Fatalf("the recipe is another one: %s", recipe)
	}
	var env []string
	for _, m := range regexp.MustCompile(`(?m)^ENV (.*)$`).FindAllStringSubmatch(recipe, -1) {
		env = append(env, strings.Fields(m[1])...)
	}
	user, err := strconv.Atoi(regexp.MustCompile(`(?m)^USER (\d+):\d+$`).FindStringSubmatch(recipe)[1])
	if err != nil || user == 0 {
		t.Fatalf("the user is %d: %v", user, err)
	}
	m, key := newRobot(t)
	root := container(t, user, map[string]string{
		"usr/local/bin/tokentoss": filepath.Join(os.Getenv(binariesEnv), "tokentoss"), "usr/local/bin/tokentoss-host": filepath.Join(os.Getenv(binariesEnv), "tokentoss-host"),
		"etc/tokentoss/key.json": key, "etc/tokentoss/config.toml": filepath.Join(m.dir, "config.toml"),
	}, key)
	command := func(args ...string) *exec.Cmd {
		c := exec.Command("/usr/local/bin/tokentoss", args...)
		c.Dir, c.Env = "/", append([]string{"TOKENTOSS_INSECURE_LOOPBACK=1"}, env...)
		c.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: uint32(user), Gid: uint32(user)}, Setpgid: true}
		return c
	}
	if out := finish(t, command("token")).wantCode(t, 0).stdout; !strings.HasPrefix(out, "ey") {
		t.Errorf("token gave %q", out)
	}
	finish(t, command("token")).wantCode(t, 0)
	finish(t, command("status", "--check")).wantCode(t, 0)
	if n := m.provider.TokenCalls(bearerGrant); n != 1 {
		t.Errorf("%d requests: the session was not kept", n)
	}
	p := start(t, command("proxy", m.provider.IAPURL()))
	shown := shownBy(t, p, regexp.MustCompile(`http://127\.0\.0\.1:\d+/~[^/\s]+`))
	res, err := http.Get(shown[0] + "/health")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("by the proxy: %s", res.Status)
	}
	p.signal(t, syscall.SIGTERM)
	p.wait(t)
}

// container makes a read-only file system with files in it, of which others may read the
// one of key, and with /state, a user's own, and returns its root.
func container(t *testing.T, user int, files map[string]string, key string) (root string) {
	t.Helper()
	root = filepath.Join(t.TempDir(), "root")
	mount := func(source, name, kind string, flags uintptr, data string) {
		t.Helper()
		if err := syscall.Mount(source, filepath.Join(root, name), kind, flags, data); err != nil {
			t.Skipf("cannot mount %s: %v", name, err)
		}
	}
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	mount("tmpfs", "", "tmpfs", 0, "mode=0755")
	t.Cleanup(func() {
		for _, name := range []string{"state", "dev", "proc", ""} {
			_ = syscall.Unmount(filepath.Join(root, name), syscall.MNT_DETACH)
		}
	})
	for _, dir := range []string{"proc", "dev", "state", "usr/local/bin", "etc/tokentoss"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, from := range files {
		data, mode := mustRead(t, from), os.FileMode(0o644)
		switch {
		case strings.HasPrefix(name, "usr/"):
			mode = 0o755
		case strings.HasSuffix(name, ".toml"):
			data = []byte(strings.ReplaceAll(string(data), key, "/etc/tokentoss/key.json"))
		}
		if err := os.WriteFile(filepath.Join(root, name), data, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(root, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	mount("/proc", "proc", "", syscall.MS_BIND|syscall.MS_REC, "")
	mount("/dev", "dev", "", syscall.MS_BIND, "")
	mount("", "", "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "mode=0755")
	mount("tmpfs", "state", "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, "mode=0700,uid="+strconv.Itoa(user)+",gid="+strconv.Itoa(user))
	return root
}
