package agent

import (
	"strings"
	"testing"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"
)

func listening(t *testing.T, socket string) (name string, user *windows.SID) {
	t.Helper()
	name, user, err := pipe(socket)
	if err != nil {
		t.Fatal(err)
	}
	l, err := listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	return name, user
}

// The pipe is the user's, and the only entry of its access list is for the user.
func TestPipeIsTheUsersAlone(t *testing.T) {
	needPipes(t)
	name, user := listening(t, "agent-acl")
	c, err := winio.DialPipe(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sd, err := windows.GetSecurityInfo(windows.Handle(c.(interface{ Fd() uintptr }).Fd()), windows.SE_KERNEL_OBJECT,
		windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		t.Fatal(err)
	}
	text := sd.String()
	if owner, _, err := sd.Owner(); err != nil || !owner.Equals(user) || strings.Count(text, "(A;") != 1 || !strings.Contains(text, "D:P") ||
		!strings.Contains(text, ";;;"+user.String()+")") {
		t.Errorf("the pipe's owner and access list are %s, %v", text, err)
	}
}

// Who made a pipe of that name before is not joined.
func TestPipeMustBeTheFirst(t *testing.T) {
	needPipes(t)
	listening(t, "agent-first")
	if l, err := listen("agent-first"); err == nil {
		_ = l.Close()
		t.Error("a second server listens on the same pipe")
	}
}

// A pipe that belongs to somebody else is not spoken to.
func TestPipeOfAnotherIsRefused(t *testing.T) {
	needPipes(t)
	name, _, err := pipe("agent-other")
	if err != nil {
		t.Fatal(err)
	}
	l, err := winio.ListenPipe(name, &winio.PipeConfig{SecurityDescriptor: "O:BAD:P(A;;GA;;;WD)"})
	if err != nil {
		t.Skipf("this user cannot make a pipe of another: %v", err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			defer c.Close()
		}
	}()
	if c, err := dialSocket(t.Context(), "agent-other"); err == nil {
		_ = c.Close()
		t.Error("a pipe of the administrators is taken for one's own")
	}
}

func init() {
	if windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil {
		NotHere = "Wine lets clients connect to the instance of a pipe with which winio keeps its name, and keeps no access list"
	}
}

func needPipes(t *testing.T) {
	t.Helper()
	if NotHere != "" {
		t.Skip(NotHere)
	}
}
