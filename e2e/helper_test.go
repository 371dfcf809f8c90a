//go:build linux

package e2e_test

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/e2e/internal/suite"
	"github.com/tokentoss/tokentoss/emulator"
)

// A helped machine is one on which ada is signed in, for programs that get tokens
// from tokentoss. When its test ends, no secret was in the arguments or the
// environment of any of its processes.
type helped struct {
	*machine
	secrets *secrets
	watcher *watcher
}

// newHelped makes one whose profile has IAP as its target.
func newHelped(t *testing.T, o emulator.Options) *helped {
	t.Helper()
	m := newMachine(t, o)
	s := &secrets{m: m, kinds: map[string]string{}}
	m.provider.SetTokenAnswer(s.answered)
	h := &helped{m, s, watch(t, m.home())} // plugins get HOME, and little else
	t.Cleanup(func() {
		all := h.watcher.stop()
		s.collect()
		if !s.has("id_token") || !s.has("refresh_token") {
			t.Error("there were no secrets")
		}
		for _, p := range all {
			s.wantNone(t, "the argument list of "+p.cmdline, p.cmdline)
			s.wantNone(t, "the environment of "+p.cmdline, p.environ)
		}
	})
	m.signIn(t, ada)
	m.setTargets(t, m.provider.IAPURL())
	return h
}

// env is the environment of a program that calls tokentoss, which it finds on its
// PATH.
func (m *machine) env(more ...string) []string {
	path := os.Getenv(binariesEnv) + string(filepath.ListSeparator) + os.Getenv("PATH")
	return append([]string{
		"PATH=" + path, "HOME=" + m.home(), "TOKENTOSS_CONFIG_DIR=" + m.dir, "TOKENTOSS_INSECURE_LOOPBACK=1",
	}, more...)
}

// hostOf returns host:port of a URL.
func hostOf(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// Each helper, waiting for a refresh, long enough to be seen, and with
// --verbose. What is asked for is on standard output, or in the jar; nothing else has
// a secret.
func TestHelpersShowNoSecret(t *testing.T) {
	t.Parallel()
	m := newHelped(t, emulator.Options{})
	m.provider.SetFault(emulator.Token, &emulator.Fault{Delay: 250 * time.Millisecond})
	iap := m.provider.IAPURL()
	jar := filepath.Join(m.home(), "jar")
	for _, args := range [][]string{
		{"credential", "git", "get"}, {"credential", "kubectl"}, {"credential", "executable"}, {"token", "--jar", jar, iap},
	} {
		age(t, m.tokens(), -time.Minute)
		c := m.command(append([]string{"--verbose"}, args...)...)
		c.Stdin = strings.NewReader("capability[]=authtype\nprotocol=http\nhost=" + hostOf(t, iap) + "\n\n")
		r := finish(t, c).wantCode(t, 0)
		m.secrets.wantNone(t, "standard error of "+strings.Join(args, " "), r.stderr)
		got := r.stdout
		if args[0] == "token" {
			got = string(mustRead(t, jar))
		}
		if !strings.Contains(got, "eyJ") || args[0] == "token" && r.stdout != "" {
			t.Errorf("%q gave %d bytes, and printed %d", args, len(got), len(r.stdout))
		}
		words := strings.Join(args, "\x00")
		if !m.watcher.saw(func(s seen) bool { return strings.Contains(s.cmdline, words) }) {
			t.Errorf("the watcher did not see %q, which ran", args)
		}
	}
	age(t, m.tokens(), -time.Minute)
	p := start(t, m.command("--verbose", "metadata"))
	at := shownBy(t, p, shownHost)[3]
	c := exec.Command("curl", "-s", "-H", "Metadata-Flavor: Google",
		"http://"+at+"/computeMetadata/v1/instance/service-accounts/default/identity?audience="+m.provider.Clients()[0].ID)
	c.Env = m.env()
	if got, want := outputOf(t, c), m.run(t, "token").stdout; got+"\n" != want {
		t.Errorf("metadata gave %d bytes", len(got))
	}
	p.signal(t, syscall.SIGINT)
	m.secrets.wantNone(t, "standard error of metadata", p.wait(t).wantCode(t, 0).stderr)
	for _, words := range []string{"\x00metadata", "serve-plugin\x00metadata"} {
		if !m.watcher.saw(func(s seen) bool { return strings.Contains(s.cmdline, words) }) {
			t.Errorf("the watcher did not see %q, which ran", words)
		}
	}
}

// documented returns the block of docs/helpers.md that is in the given language.
func documented(t *testing.T, language string) string {
	t.Helper()
	_, rest, ok := strings.Cut(string(mustRead(t, "../docs/helpers.md")), "```"+language+"\n")
	block, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatalf("docs/helpers.md has no %s", language)
	}
	return block
}

func wantWords(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s lacks %q: %s", what, w, text)
		}
	}
}

// unpack returns the first of the programs of a package of Debian's stable release,
// which is unpacked for the test and not installed.
func unpack(t *testing.T, pkg string, programs ...string) string {
	t.Helper()
	suite.Need(t, suite.Clients)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	dir := t.TempDir()
	cmd := exec.CommandContext(ctx, "sh", append([]string{"testdata/debian-stable.sh", dir, pkg}, programs...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("%s of Debian's stable release cannot be had: %v\n%s", pkg, err, out)
	}
	return filepath.Join(dir, "bin", filepath.Base(programs[0]))
}
