package pass_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/examples/store-pass/pass"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
)

// ada is whose key everything is encrypted to.
const ada = "ada@example.com"

// missing is why the tests that need a key are skipped, if they are.
var missing string

func TestMain(m *testing.M) { os.Exit(plugintest.Run(func() int { return withKey(m) }, pass.Plugin())) }

// withKey runs the tests with a GnuPG home of their own, in which there is a key
// without a passphrase.
func withKey(m *testing.M) int {
	for _, program := range []string{"pass", "gpg", "gpgconf"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = program + " is not installed"
			return m.Run()
		}
	}
	home, err := gpgHome("%no-protection")
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a key:", err)
		return 1
	}
	defer removeHome(home)
	for _, name := range []string{"PASSWORD_STORE_DIR", "PASSWORD_STORE_KEY", "PASSWORD_STORE_GPG_OPTS"} {
		os.Unsetenv(name)
	}
	os.Setenv("GNUPGHOME", home)
	return m.Run()
}

// gpgHome makes a GnuPG home with a key of ada's. Its path is short, as sockets are
// in it.
func gpgHome(protection string) (home string, err error) {
	if home, err = os.MkdirTemp("/tmp", "gpg-"); err != nil { // 0700, which gpg wants
		return "", err
	}
	// Making a passphrase hard to guess takes seconds. Nobody guesses here.
	if err := os.WriteFile(filepath.Join(home, "gpg-agent.conf"), []byte("s2k-count 65536\n"), 0o600); err != nil {
		return "", err
	}
	key := strings.Join([]string{
		"Key-Type: EDDSA", "Key-Curve: ed25519", "Subkey-Type: ECDH", "Subkey-Curve: cv25519",
		"Name-Email: " + ada, protection, "%commit", "",
	}, "\n")
	cmd := exec.Command("gpg", "--homedir", home, "--batch", "--quiet", "--gen-key")
	cmd.Stdin = strings.NewReader(key)
	if out, err := cmd.CombinedOutput(); err != nil {
		removeHome(home)
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return home, nil
}

// removeHome ends the agent of a GnuPG home, which gpg started, and removes it.
func removeHome(home string) {
	_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
	_ = os.RemoveAll(home)
}

func needPass(t *testing.T) {
	t.Helper()
	if missing != "" {
		t.Skip(missing)
	}
}

// place returns an empty password store that is encrypted to ada.
func place(t *testing.T) plugins.Request {
	t.Helper()
	needPass(t)
	return initialised(t, ada)
}

// initialised returns an empty password store that is encrypted to somebody. It
// does what pass init does, which would take a third of the time of all tests.
func initialised(t *testing.T, who string) plugins.Request {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".gpg-id"), []byte(who+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return request(t, dir)
}

// request is the request of a store over dir.
func request(t *testing.T, dir string) plugins.Request {
	t.Helper()
	settings, err := json.Marshal(map[string]string{"store_dir": dir})
	if err != nil {
		t.Fatal(err)
	}
	return plugins.Request{Settings: settings}
}

// dirOf returns the directory of a request's password store.
func dirOf(t *testing.T, r plugins.Request) string {
	t.Helper()
	var c pass.Config
	if err := json.Unmarshal(r.Settings, &c); err != nil {
		t.Fatal(err)
	}
	return c.StoreDir
}

// command runs pass as the person does.
func command(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "pass", args...)
	cmd.Env = append(os.Environ(), "PASSWORD_STORE_DIR="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("pass %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
