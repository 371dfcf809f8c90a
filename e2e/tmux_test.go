//go:build unix

package e2e_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
)

// A tmux is a real terminal, which tmux plays.
type tmux struct {
	t      *testing.T
	socket string
}

// newTmux runs a command line in a terminal that takes what programs copy.
func newTmux(t *testing.T, m *machine, env, line string) *tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("there is no tmux here")
	}
	s := &tmux{t: t, socket: filepath.Join(t.TempDir(), "s")}
	s.do("-f", "/dev/null", "new-session", "-d", "-x", "150", "-y", "90", "sh")
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", s.socket, "kill-server").Run() })
	s.do("set-option", "-g", "set-clipboard", "on")
	words := append([]string{"env", "-u", "CI", "-u", "NO_COLOR"}, m.command().Env...)
	s.keys(strings.Join(append(words, env), " ") + " " + m.command().Path + " " + line)
	s.key("Enter")
	return s
}

func (s *tmux) do(args ...string) string {
	s.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", s.socket}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (s *tmux) keys(text string) { s.do("send-keys", "-l", text) }
func (s *tmux) key(name string)  { s.do("send-keys", name) }

// shows waits until the screen shows what matches, and returns it. Wrapped lines are
// joined.
func (s *tmux) shows(pattern string) string {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	var screen string
	poll(s.t, "the screen shows "+pattern, func() bool {
		screen = s.do("capture-pane", "-p", "-J")
		return re.MatchString(screen)
	})
	return screen
}

var shownAddress = regexp.MustCompile(`http://127\.0\.0\.1:\d+/o/oauth2/v2/auth\?\S+`)

// The address is shown whole; it is copied through the terminal when the person asks
// for it, and not before.
func TestAddressIsCopiedThroughTheTerminalOnRequest(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{})
	s := newTmux(t, m, "", "login --no-browser")
	address := shownAddress.FindString(s.shows(`type c and Enter`))
	if address == "" {
		t.Fatalf("no address:\n%s", s.do("capture-pane", "-p"))
	}
	if out := s.do("list-buffers"); out != "" {
		t.Errorf("something was copied unasked: %s", out)
	}
	s.keys("c")
	s.key("Enter")
	s.shows(`sent to your terminal's clipboard; if pasting gives nothing, select the address`)
	if got := s.do("show-buffer"); got != address {
		t.Errorf("copied %q\nshown  %q", got, address)
	}
	s.key("C-c")
}

// A QR code stands beside the address of a device sign-in, and beside any address where
// it is asked for. Where decoration is not wanted there is none.
func TestQRCodeBesideTheAddress(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{})
	for name, tt := range map[string]struct {
		env, line string
		want      bool
	}{
		"asked for":     {"", "login --no-browser --qr", true},
		"not asked for": {"", "login --no-browser", false},
		"no colour":     {"NO_COLOR=1", "login --no-browser --qr", false},
		"in CI":         {"CI=true", "login --no-browser --qr", false},
		"dumb":          {"TERM=dumb", "login --no-browser --qr", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTmux(t, m, tt.env, tt.line)
			screen := s.shows(`paste that page's address here`)
			if got := strings.Contains(screen, "▀"); got != tt.want {
				t.Errorf("a QR code is shown: %v\n%s", got, screen)
			}
			if copies := strings.Contains(screen, "type c and Enter"); copies != (tt.env == "") {
				t.Errorf("copying is offered: %v", copies)
			}
			if fmt.Sprint(shownAddress.FindString(screen)) == "" {
				t.Error("the address is not shown whole")
			}
			s.key("C-c")
		})
	}
}

// The address is a link (OSC 8) for terminals that are known to make links, and in all others,
// and where decoration is not wanted, it is text alone.
func TestAddressIsALinkForKnownTerminals(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{})
	for env, want := range map[string]bool{
		"TERM_PROGRAM=WezTerm": true, "VTE_VERSION=7200": true, "TERM_PROGRAM=other": false, "TERM_PROGRAM=WezTerm NO_COLOR=1": false,
		"TERM_PROGRAM=WezTerm CI=true": false, "TERM_PROGRAM=WezTerm TMUX=/tmp/x": false,
	} {
		t.Run(env, func(t *testing.T) {
			c := m.command("login", "--no-browser")
			c.Env = append(c.Env, strings.Fields(env)...)
			w := inWindow(t, c)
			w.shows(t, `paste that page's address here`)
			text := w.stderr.String()
			address := shownAddress.FindString(regexp.MustCompile(`\x1b\]8;[^\x1b]*\x1b\\`).ReplaceAllString(text, " "))
			if linked := strings.Contains(text, "\x1b]8;;"+address+"\x1b\\"); address == "" || linked != want {
				t.Errorf("a link: %v, expected %v: %q", linked, want, text)
			}
		})
	}
}
