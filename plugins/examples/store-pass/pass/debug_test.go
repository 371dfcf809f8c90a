package pass_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/environment"
	"github.com/tokentoss/tokentoss/plugins/host"
)

// An author runs the plugin under a debugger, and tokentoss attaches to it: nothing is
// installed, and the process goes on when the store is closed.
func TestAttachToAPluginThatRuns(t *testing.T) {
	r := place(t)
	exe := filepath.Join(t.TempDir(), "store-pass")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", exe, "..").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}

	// 1. The author starts it, and gets what to set.
	cmd := exec.Command(exe, "debug")
	cmd.Env = os.Environ()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("it says %q: %v", line, err)
	}
	go func() { ended <- cmd.Wait() }()
	name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
	if name != environment.ReattachVariable {
		t.Fatalf("it says %q", line)
	}
	t.Setenv(name, strings.Trim(value, "'"))

	// 2. A host without any plugin uses it, more than once.
	h := &host.Host{Dir: t.TempDir()}
	for _, revision := range []string{"", "again"} {
		s, err := h.OpenStore(t.Context(), host.Use{Plugin: "pass", Request: r})
		if err != nil {
			t.Fatalf("attaching: %v", err)
		}
		if revision == "" {
			if _, err := s.Save(t.Context(), core.DefaultKey, core.Record{Data: []byte("kept")}); err != nil {
				t.Errorf("Save: %v", err)
			}
		}
		if got, err := s.Load(t.Context(), core.DefaultKey); err != nil || string(got.Data) != "kept" {
			t.Errorf("Load: %s, %v", got.Data, err)
		}
		if err := core.Full(s).Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	select {
	case err := <-ended:
		t.Fatalf("the plugin ended with the store: %v", err)
	default:
	}

	// 3. The author ends it.
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	if _, err := h.OpenStore(t.Context(), host.Use{Plugin: "pass", Request: r}); err == nil || !strings.Contains(err.Error(), "does it still run?") {
		t.Errorf("after its end: error %v", err)
	}
}
