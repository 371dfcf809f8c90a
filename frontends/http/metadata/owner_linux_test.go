package metadata_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// Another user of the machine gets no token, unless that is wanted.
func TestOtherUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	for _, d := range []struct {
		settings string
		uid      uint32
		want     int
	}{
		{``, 0, 0}, {``, 65534, 4}, {`{"listen": "[::1]:0"}`, 0, 0}, {`{"listen": "[::1]:0"}`, 65534, 4}, {`{"guard": "none"}`, 65534, 0},
	} {
		s := start(t, inProcess, signedIn(), d.settings)
		self, err := os.Open("/proc/self/exe") // others may not reach its directory
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("/proc/self/fd/3")
		cmd.ExtraFiles = []*os.File{self}
		cmd.Env = []string{otherUser + "=" + s.host}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: d.uid, Gid: d.uid}}
		cmd.Dir = "/"
		err = cmd.Run()
		self.Close()
		if code := cmd.ProcessState.ExitCode(); code != d.want {
			t.Errorf("%s, user %d: %d (%v), not %d", d.settings, d.uid, code, err, d.want)
		}
	}
}
