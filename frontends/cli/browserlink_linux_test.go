package cli

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Another user of the machine, who sees the address in the list of processes, learns
// nothing from it, and does not use it up.
func TestLoopbackLinkIsOneUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can act as another user")
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("there is no curl")
	}
	link, err := newBrowserLink(secretURL)
	if err != nil {
		t.Fatal(err)
	}
	defer link.remove()
	if !strings.HasPrefix(link.url, "http://") {
		t.Skip("this system does not tell whose a connection is")
	}
	cmd := exec.Command(curl, "-si", link.url)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, _ := cmd.CombinedOutput() // whether it fails does not matter
	if strings.Contains(string(out), "secret") || strings.Contains(string(out), "Location") {
		t.Errorf("another user gets %s", out)
	}
	if resp, _ := get(t, "GET", link.url, ""); resp.StatusCode != http.StatusFound {
		t.Errorf("after that, this user gets %s", resp.Status)
	}
}
