package authcode_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/emulator"
)

// fetchEnv has the test binary fetch a page, or send a request and close, and say how it
// was answered.
const fetchEnv = "TOKENTOSS_TEST_FETCH"

func TestMain(m *testing.M) {
	how, where, ok := strings.Cut(os.Getenv(fetchEnv), " ")
	switch {
	case !ok:
		goleak.VerifyTestMain(m)
	case how == "fetch":
		a, err := fetch(where)
		fmt.Println(a.status, err)
	case how == "close":
		host, path, _ := strings.Cut(strings.TrimPrefix(where, "http://"), "/")
		c, err := net.Dial("tcp", host)
		if err == nil {
			_, err = io.WriteString(c, "GET /"+path+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
			err = errors.Join(err, c.Close())
		}
		fmt.Println("closed", err)
	}
}

// asNobody has another user of this machine make a request.
func asNobody(t *testing.T, how, where string) string {
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
	cmd.ExtraFiles, cmd.Dir, cmd.Stderr = []*os.File{self}, "/", os.Stderr
	cmd.Env = []string{fetchEnv + "=" + how + " " + where}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// Another user of the machine who has read state and nonce cannot sign the victim in as
// somebody else, neither with an open connection nor with one that was closed early.
func TestAnotherUserCannotFinishASignIn(t *testing.T) {
	e := startGoogle(t, emulator.Options{Accounts: []emulator.Account{{Email: ada}, {Email: "mallory@example.com"}}})
	s := begin(t, e, authcode.Options{})
	theirs, err := e.Authorize(t.Context(), s.prompt.URL, "mallory@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if got := asNobody(t, "fetch", theirs); got != fmt.Sprint(http.StatusForbidden, " <nil>") {
		t.Errorf("answered %s", got)
	}
	if got := asNobody(t, "close", theirs); got != "closed <nil>" {
		t.Errorf("answered %s", got)
	}
	s.waiting()
	s.finish()
}
