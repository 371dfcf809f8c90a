package forwardproxy

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/core/peercred"
)

// Another user has no use of the credential.
func TestAnotherUserIsRefusedWithTheCredential(t *testing.T) {
	if os.Getuid() != 0 || !peercred.Supported() {
		t.Skip("only root can be another user, and only Linux tells")
	}
	w := newWorld(t, nil)
	curl := func(uid uint32) (string, error) {
		cmd := exec.CommandContext(t.Context(), "curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "-x", w.URL(), "https://"+host)
		cmd.Dir = "/"
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		out, err := cmd.Output()
		return string(out), err
	}
	if out, err := curl(0); err != nil || out != "200" {
		t.Fatalf("its own user: %q, %v", out, err)
	}
	if out, err := curl(65534); err == nil || out != "000" {
		t.Errorf("another user: %q, %v", out, err)
	}
	if n := len(w.target.requests); n != 1 {
		t.Errorf("%d requests reached the target", n)
	}
}
