package e2e_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts plays the terminal sessions of testdata/script. Each has a home of
// its own, and the built executables on its PATH. Commands beside testscript's:
//
//	tokentoss ARGS...          runs it, and wants exit code 0
//	exits CODE COMMAND ARGS... runs a command, and wants that exit code
//	emulator ARGS...           starts "tokentoss emulator" in the background
//	interrupt                  presses Ctrl-C there
//	provider ...               is an emulator in the test's process; see provider_test.go
//	expire                     waits until the token in tokens.json has expired
//	mode MODE FILE             checks permissions, in octal
//
// Both kinds of emulator set $GOOGLE, $IAP and $CLIENT, the client's file; the first $IAPHOST and, with TLS, $CA, too.
func TestScripts(t *testing.T) {
	root, err := os.MkdirTemp("", "tokentoss-scripts-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	// Some scripts act as a user without privileges.
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	bin := binaries(t)
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		WorkdirRoot:        root,
		RequireUniqueNames: true,
		Setup:              func(env *testscript.Env) error { return setUp(env, bin) },
		Condition:          condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"tokentoss": runTokentoss,
			"exits":     exits,
			"emulator":  startEmulator,
			"interrupt": interrupt,
			"provider":  runProvider,
			"expire":    expire,
			"mode":      checkMode,
		},
	})
}

// setUp makes the machine of one script.
func setUp(env *testscript.Env, bin string) error {
	home := filepath.Join(env.WorkDir, "home")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("PATH", bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
	env.Setenv("BIN", bin)
	env.Setenv("CONFIG", filepath.Join(home, ".config", "tokentoss"))
	env.Setenv("TOKENTOSS_INSECURE_LOOPBACK", "1")
	env.Setenv("TOKENTOSS_AGENT_IDLE", "10s") // nobody is left when the tests are over
	// What a person does in a browser, the emulator's account agreeing by itself.
	env.Setenv("BROWSER", "curl -sL -o /dev/null")
	for _, variable := range wineEnv(env.Getenv("CONFIG")) {
		name, value, _ := strings.Cut(variable, "=")
		env.Setenv(name, value)
	}
	p := &providers{dir: env.WorkDir, byName: map[string]*provider{}}
	env.Values[providersKey{}] = p
	env.Values[emulatorKey{}] = new(*emulatorProcess)
	env.Defer(p.close)
	return nil
}

func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "wine": // runs executables for Windows
		return os.Getenv(systemEnv) == "windows", nil
	case "netns": // a network that is off is a namespace without any
		return exec.Command("unshare", "-rn", "true").Run() == nil, nil
	case "devfull":
		_, err := os.Stat("/dev/full")
		return err == nil && os.Getenv(systemEnv) == "", nil
	case "tmpfs":
		return exec.Command("unshare", "-m", "true").Run() == nil, nil
	}
	return false, errors.New("unknown condition")
}

func runTokentoss(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("say which code: exits CODE tokentoss ...")
	}
	if err := ts.Exec("tokentoss", args...); err != nil {
		ts.Fatalf("tokentoss %s: %v", strings.Join(args, " "), err)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// An emulatorProcess is "tokentoss emulator" in another window.
type emulatorProcess struct{ cmd *exec.Cmd }

type emulatorKey struct{}

func startEmulator(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! emulator")
	}
	cmd := exec.Command(filepath.Join(ts.Getenv("BIN"), "tokentoss"), append([]string{"emulator"}, args...)...)
	cmd.Env = []string{"HOME=" + ts.Getenv("HOME"), "TMPDIR=" + ts.Getenv("TMPDIR"), "PATH=" + ts.Getenv("PATH")}
	cmd.Dir = ts.MkAbs(".")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	e := &emulatorProcess{cmd: cmd}
	*ts.Value(emulatorKey{}).(**emulatorProcess) = e
	ts.Defer(func() { _ = e.stop() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	ts.Check(err)
	var ready struct {
		Google        string `json:"google"`
		IAP           string `json:"iap"`
		CA            string `json:"ca"`
		Control       string `json:"control"`
		ControlKey    string `json:"control_key"`
		ClientSecrets string `json:"client_secrets"`
	}
	ts.Check(json.Unmarshal(line, &ready))
	ts.Setenv("GOOGLE", ready.Google)
	ts.Setenv("IAP", ready.IAP)
	_, host, _ := strings.Cut(ready.IAP, "://")
	ts.Setenv("IAPHOST", host)
	ts.Setenv("CA", ready.CA)
	ts.Setenv("CONTROL", ready.Control)
	ts.Setenv("CONTROL_KEY", ready.ControlKey)
	ts.Setenv("CLIENT", ready.ClientSecrets)
	_, err = ts.Stdout().Write(line)
	ts.Check(err)
}

// interrupt presses Ctrl-C in the emulator's window.
func interrupt(ts *testscript.TestScript, neg bool, _ []string) {
	if err := (*ts.Value(emulatorKey{}).(**emulatorProcess)).stop(); err != nil || neg {
		ts.Fatalf("the emulator did not end well: %v", err)
	}
}

// stop ends the process. Later calls do nothing.
func (e *emulatorProcess) stop() error {
	if e.cmd.ProcessState != nil {
		return nil
	}
	_ = e.cmd.Process.Signal(os.Interrupt)
	kill := time.AfterFunc(10*time.Second, func() { _ = e.cmd.Process.Kill() })
	defer kill.Stop()
	return e.cmd.Wait()
}

// tokens reads the fields of a session file.
func tokens(ts *testscript.TestScript, path string) map[string]any {
	var fields map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(path)), &fields))
	return fields
}

// expire waits until the stored token has expired.
func expire(ts *testscript.TestScript, _ bool, args []string) {
	path := filepath.Join(ts.Getenv("CONFIG"), "tokens.json")
	if len(args) > 0 {
		path = args[0]
	}
	text, _ := tokens(ts, path)["expiry"].(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	ts.Check(err)
	// A provider's clock is known to the second, so a token's age is too.
	left := time.Until(at) + time.Second
	if left > 5*time.Second {
		ts.Fatalf("the token lives for another %s", left)
	}
	time.Sleep(left)
}

// checkMode compares permissions.
func checkMode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode MODE FILE")
	}
	info, err := os.Lstat(ts.MkAbs(args[1]))
	ts.Check(err)
	if os.Getenv(systemEnv) == "windows" {
		return // what Wine makes of an access list is no mode
	}
	if got := strconv.FormatUint(uint64(info.Mode().Perm()), 8); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}
