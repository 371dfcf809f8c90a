package otheruser

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// Ask has a user make the request to address, and returns what became of it. Only root
// can be somebody else: for anybody else the test is skipped.
func Ask(t *testing.T, uid uint32, address string) int {
	t.Helper()
	return run(t, uid, addressEnv+"="+address)
}

// Leave has a user make many requests without waiting for their answers.
func Leave(t *testing.T, uid uint32, address string) {
	t.Helper()
	if code := run(t, uid, addressEnv+"="+address, leaveEnv+"=1"); code != Refused {
		t.Fatalf("the other user's process ended with %d", code)
	}
}

func run(t *testing.T, uid uint32, env ...string) int {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	self, err := os.Open("/proc/self/exe") // others may not reach its directory
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	cmd := exec.Command("/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{self}
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	cmd.Dir = "/"
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}
