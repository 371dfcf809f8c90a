package proxy_test

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// S27: where the system says whose a connection is, a proxy without a secret is
// still its user's alone. Both families are looked at.
func TestOtherUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	for _, listen := range []string{"127.0.0.1:0", "[::1]:0"} {
		w := start(t, &ada{}, proxy.Config{
			Targets: []string{serve(t, func(http.ResponseWriter, *http.Request) {})}, Secret: proxy.SecretNone, Listen: listen,
		}, proxy.Options{})
		w.screen.find(t, "other users cannot")
		for uid, want := range map[uint32]int{0: 0, 65534: 4} {
			self, err := os.Open("/proc/self/exe") // others may not reach its directory
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("/proc/self/fd/3")
			cmd.ExtraFiles = []*os.File{self}
			cmd.Env = []string{otherUser + "=" + strings.TrimPrefix(w.URL, "http://")}
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
			cmd.Dir = "/"
			err = cmd.Run()
			self.Close()
			if code := cmd.ProcessState.ExitCode(); code != want {
				t.Errorf("%s, user %d: %d (%v), not %d", listen, uid, code, err, want)
			}
		}
	}
}
