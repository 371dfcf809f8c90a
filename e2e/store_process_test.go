//go:build linux

package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// withStore returns a machine whose session is in a store that is a plugin. Agents
// that it starts end with the test.
func withStore(t *testing.T, o emulator.Options, config string) *machine {
	t.Helper()
	m := newMachine(t, o)
	writeFile(t, filepath.Join(m.dir, "config.toml"), []byte(config))
	t.Cleanup(func() { m.run(t, "store", "lock") })
	return m
}

const encryptedStore = "store = \"encrypted\"\n"

// family returns the processes of a machine's agent and of its plugins: those in
// whose command line or environment the configuration directory is, and their
// children.
func (m *machine) family(t *testing.T) []int {
	t.Helper()
	var pids []int
	parents := map[int]int{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		cmdline, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if bytes.Contains(cmdline, []byte(m.dir)) {
			pids = append(pids, pid)
		}
		if stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat")); err == nil {
			if fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])); len(fields) > 1 && fields[0] != "Z" {
				parents[pid], _ = strconv.Atoi(fields[1])
			}
		}
	}
	for pid, parent := range parents {
		for _, own := range pids {
			if parent == own {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}

// For stores that are plugins: one agent, one refresh, for all processes that
// meet an expired token together and find no agent.
func TestProcessesOverAPluginStoreMakeOneRefresh(t *testing.T) {
	for _, idle := range []string{"1m", "0"} {
		t.Run("agent_idle "+idle, func(t *testing.T) {
			n := 64
			if idle == "0" {
				n = 16 // each starts a plugin of its own
			}
			m := withStore(t, emulator.Options{TokenLifetime: 3 * time.Second}, encryptedStore+"agent_idle = \""+idle+"\"\n")
			m.signIn(t, ada)
			expired := time.Now().Add(4 * time.Second) // its token, which no test can age in this store
			m.run(t, "store", "lock")
			time.Sleep(time.Until(expired))
			m.provider.SetFault(emulator.Token, &emulator.Fault{Delay: 300 * time.Millisecond})
			m.provider.SetTokenLifetime(time.Hour)
			wantAll(t, m.together(t, n, "token"), 0)
			m.wantRefreshes(t, 1)
			m.run(t, "status").wantCode(t, 0)
		})
	}
}

// A passphrase is asked for once, on the terminal, and then no more: neither that
// window nor a script without a terminal is asked. Locking forgets it.
func TestPassphraseIsAskedOnce(t *testing.T) {
	t.Parallel()
	m := withStore(t, emulator.Options{AutoConsent: ada}, encryptedStore+"[stores.encrypted]\npassphrase = true\n")
	w := m.window(t, "login", "--browser", "curl -sL -o /dev/null")
	w.shows(t, `tokentoss: New passphrase for .*identity.age \(not shown\): `)
	w.enter(t, "correct horse")
	w.shows(t, `The same passphrase again`)
	w.enter(t, "correct horse")
	w.shows(t, `tokentoss: signed in as ada@example.com`)
	w.wait(t).wantCode(t, 0)
	for range 2 {
		m.run(t, "token").wantCode(t, 0)
		m.run(t, "get", m.provider.IAPURL()+"/whoami").wantCode(t, 0)
	}

	m.run(t, "store", "lock").wantCode(t, 0)
	poll(t, "the agent has ended", func() bool { return len(m.family(t)) == 0 })
	r := m.run(t, "token").wantCode(t, 1)
	if !strings.Contains(r.stderr, "needs to be unlocked") || !strings.Contains(r.stderr, "hint: ") || r.stdout != "" {
		t.Errorf("without a terminal: %q", r.stderr)
	}
	c := m.command("token")
	c.Env = append(c.Env, "TOKENTOSS_NON_INTERACTIVE=1")
	finish(t, c).wantCode(t, 1)

	w = m.window(t, "status")
	w.shows(t, `Passphrase for .*identity.age`)
	w.enter(t, "wrong")
	w.shows(t, `Wrong. Passphrase for`)
	w.enter(t, "correct horse")
	w.shows(t, `signed in as ada@example.com`)
	w.wait(t).wantCode(t, 0)
	m.run(t, "token").wantCode(t, 0)
	if strings.Contains(w.stderr.String(), "correct") {
		t.Error("the terminal shows the passphrase")
	}
}

// A store that asks for a passphrase asks before the command begins, which has the
// terminal from then on.
func TestRunAsksForThePassphraseBeforeTheCommandBegins(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	m := withStore(t, emulator.Options{AutoConsent: ada}, encryptedStore+"[stores.encrypted]\npassphrase = true\n")
	w := m.window(t, "login", "--browser", "curl -sL -o /dev/null")
	for _, asks := range []string{"New passphrase for", "The same passphrase again"} {
		w.shows(t, asks)
		w.enter(t, "correct horse")
	}
	w.wait(t).wantCode(t, 0)
	m.run(t, "store", "lock").wantCode(t, 0)

	r := runnerOf(t, m)
	t.Cleanup(func() { finish(t, r.command("store", "lock")) }) // another agent: it has the runner's directory
	w = inWindow(t, r.script(`echo "it begins"; read line; echo "it has $line"; `+curl+`"$1/whoami"; exit 7`))
	w.shows(t, `Passphrase for .*identity.age`)
	if text := w.stderr.String(); strings.Contains(text, "it begins") {
		t.Errorf("the command began before: %s", text)
	}
	w.enter(t, "correct horse")
	w.shows(t, "it begins")
	w.enter(t, "the terminal")
	w.shows(t, "it has the terminal")
	w.shows(t, ada)
	w.wait(t).wantCode(t, 7)
}

// The agent and the plugins have nothing of the environment that could
// be a secret, nor of the terminal, and no file of whoever started them.
func TestAgentInheritsNothing(t *testing.T) {
	t.Parallel()
	m := withStore(t, emulator.Options{}, encryptedStore)
	m.signIn(t, ada)
	m.run(t, "store", "lock")
	c := m.command("token")
	c.Env = append(c.Env, "TOKENTOSS_LOGIN_HINT=planted-1", "AWS_SECRET_ACCESS_KEY=planted-2", "IAP_TOKEN=planted-3", "LANG=C.UTF-8")
	open, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	c.ExtraFiles = []*os.File{open}
	finish(t, c).wantCode(t, 0)

	family := m.family(t)
	if len(family) != 2 {
		t.Fatalf("processes %v, want the agent and its plugin", family)
	}
	for _, pid := range family {
		proc := fmt.Sprintf("/proc/%d/", pid)
		environ, err := os.ReadFile(proc + "environ")
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(environ, []byte("planted")) || bytes.Contains(environ, []byte("INSECURE_LOOPBACK")) {
			t.Errorf("process %d has the environment %q", pid, environ)
		}
		if !bytes.Contains(environ, []byte("LANG=C.UTF-8")) {
			t.Errorf("process %d has not the variables that it should: %q", pid, environ)
		}
		if in, _ := os.Readlink(proc + "fd/0"); in != os.DevNull {
			t.Errorf("standard input of process %d is %s", pid, in)
		}
		fds, err := os.ReadDir(proc + "fd")
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds {
			if to, _ := os.Readlink(proc + "fd/" + fd.Name()); fd.Name() != "0" && fd.Name() != "1" && fd.Name() != "2" && to == os.DevNull {
				t.Errorf("process %d has inherited the file %s", pid, fd.Name())
			}
		}
	}
}

// An agent or a plugin that is killed costs nobody a session. The next
// command has a new one, and nothing is left behind.
func TestAgentAndPluginAreKilled(t *testing.T) {
	t.Parallel()
	m := withStore(t, emulator.Options{}, encryptedStore)
	m.signIn(t, ada)
	m.run(t, "token").wantCode(t, 0)
	family := m.family(t)
	if len(family) != 2 {
		t.Fatalf("processes %v, want the agent and its plugin", family)
	}
	plugin := family[1]
	if err := syscall.Kill(plugin, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// The call that notices may fail; it says what happened, and the next is well.
	if r := m.run(t, "token"); r.code != 0 && !strings.Contains(r.stderr, "plugin encrypted: not available") {
		t.Errorf("after the plugin was killed: exit code %d, %s", r.code, r.stderr)
	}
	m.run(t, "token").wantCode(t, 0)

	agent := m.family(t)[0]
	if err := syscall.Kill(agent, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	m.run(t, "token").wantCode(t, 0)
	poll(t, "the plugin of the killed agent has ended", func() bool { return len(m.family(t)) == 2 })

	m.run(t, "store", "lock").wantCode(t, 0)
	poll(t, "all have ended", func() bool { return len(m.family(t)) == 0 })
}

// A command whose output is waited for does not hold it open by the agent.
func TestAgentHoldsNoOutput(t *testing.T) {
	t.Parallel()
	m := withStore(t, emulator.Options{}, encryptedStore)
	m.signIn(t, ada)
	m.run(t, "store", "lock")
	c := m.command("token")
	out, err := runWithin(c, 20*time.Second)
	if err != nil || !strings.HasPrefix(out, "eyJ") {
		t.Errorf("output %q, error %v, want a token as soon as the command has ended", out, err)
	}
}

// runWithin returns all that a command and what it leaves behind print.
func runWithin(c *exec.Cmd, d time.Duration) (string, error) {
	c.WaitDelay = d
	out, err := c.Output()
	return string(out), err
}

// A machine without a session bus has none afterwards: no executable of
// tokentoss runs dbus-launch where there is none.
func TestNoBusIsStarted(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{})
	bin := t.TempDir()
	marker := filepath.Join(bin, "started")
	writeFile(t, filepath.Join(bin, "dbus-launch"), []byte("#!/bin/sh\ntouch "+marker+"\n"))
	if err := os.Chmod(filepath.Join(bin, "dbus-launch"), 0o700); err != nil {
		t.Fatal(err)
	}
	runtime := t.TempDir()
	if _, err := os.Stat(fmt.Sprintf("/run/user/%d/bus", os.Getuid())); err == nil {
		t.Skip("this user has a session bus")
	}
	for _, args := range [][]string{{"plugin", "list"}, {"--store", "keyring", "status"}, {"store", "list"}} {
		c := m.command(args...)
		c.Env = append(c.Env, "XDG_RUNTIME_DIR="+runtime, "TOKENTOSS_AGENT_IDLE=0")
		for i, e := range c.Env {
			if path, ok := strings.CutPrefix(e, "PATH="); ok {
				c.Env[i] = "PATH=" + bin + ":" + path
			}
		}
		finish(t, c)
		if _, err := os.Stat(marker); err == nil {
			t.Fatalf("tokentoss %s started a session bus", strings.Join(args, " "))
		}
	}
}
