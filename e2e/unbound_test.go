//go:build unix

package e2e_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
)

// A session that an earlier tokentoss encrypted is not bound to the key: it is not
// believed, and none of it is sent anywhere. A person can look at whose it is and take it
// over, or sign in again, which keeps it aside.
func TestUnboundSession(t *testing.T) {
	t.Parallel()
	m := newSession(t, emulator.Options{})
	t.Cleanup(func() { m.run(t, "store", "lock") })
	m.run(t, "store", "migrate", "--to", "encrypted", "--delete-source").wantCode(t, 0)
	m.run(t, "store", "use", "encrypted").wantCode(t, 0)
	path := filepath.Join(m.dir, "stores", "encrypted", "tokens.age")
	unbind := func() {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, sealed, found := bytes.Cut(data, []byte("\n\n"))
		if !found {
			t.Fatalf("there is no binding: %.40q", data)
		}
		if err := os.WriteFile(path, sealed, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	// 1. It is not believed.
	unbind()
	if r := m.run(t, "token").wantCode(t, 1); r.stdout != "" || !strings.Contains(r.stderr, "not bound to the key") || !strings.Contains(r.stderr, "hint: ") {
		t.Errorf("token: %q, %q", r.stdout, r.stderr)
	}
	if r := m.run(t, "store", "migrate", "--accept-unbound").wantCode(t, 2); !strings.Contains(r.stderr, "asks a person whose session it is") {
		t.Errorf("without a terminal: %q", r.stderr)
	}
	// 2. Who says no leaves it as it is.
	w := m.window(t, "store", "migrate", "--accept-unbound")
	w.shows(t, `account: ada@example.com\n.*OAuth client: \S+\n.*are both yours\? \[y/N\]`)
	w.enter(t, "n")
	w.wait(t).wantCode(t, 1)
	m.run(t, "token").wantCode(t, 1)
	// 3. Who says yes has it bound.
	w = m.window(t, "store", "migrate", "--accept-unbound")
	w.shows(t, `are both yours\?`)
	w.enter(t, "yes")
	w.wait(t).wantCode(t, 0)
	m.run(t, "token").wantCode(t, 0)
	// 4. A sign-in keeps the old one aside, and does not send it to the provider.
	unbind()
	revoked := m.provider.Calls(emulator.Revoke)
	m.signIn(t, ada)
	m.run(t, "token").wantCode(t, 0)
	if aside, err := filepath.Glob(path + ".damaged-*"); err != nil || len(aside) != 1 {
		t.Errorf("kept aside: %q, %v", aside, err)
	}
	if n := m.provider.Calls(emulator.Revoke); n != revoked {
		t.Errorf("%d revocations, want none", n-revoked)
	}
	// 5. A setting is no way around it.
	config := filepath.Join(m.dir, "config.toml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, append(text, "[stores.encrypted]\naccept_unbound = true\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := m.run(t, "token").wantCode(t, 1); !strings.Contains(r.stderr, "accept_unbound is nothing to set") {
		t.Errorf("with the setting: %q", r.stderr)
	}
}

// A session is bound to the private key when it is saved, so that a passphrase is asked for
// before a browser opens: the first time, when the key is made, and later, once the agent
// has forgotten it.
func TestPassphraseBeforeTheBrowser(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{})
	config := filepath.Join(m.dir, "config.toml")
	if err := os.WriteFile(config, []byte("store = \"encrypted\"\n[stores.encrypted]\npassphrase = true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	login := func(questions ...string) {
		t.Helper()
		w := m.window(t, "login", "--no-browser", "--timeout", "50s")
		for _, q := range questions {
			w.shows(t, q)
			if strings.Contains(w.stderr.String(), "http://") {
				t.Errorf("the address is shown before %s", q)
			}
			w.enter(t, "correct horse")
		}
		l := shown(t, w.process)
		w.enter(t, l.agree(t, m.provider, ada))
		w.wait(t).wantCode(t, 0)
	}
	login("New passphrase for .*identity.age", "The same passphrase again")
	m.run(t, "token").wantCode(t, 0)
	m.run(t, "store", "lock").wantCode(t, 0)
	login("Passphrase for .*identity.age")
	m.run(t, "token").wantCode(t, 0)
	m.run(t, "store", "lock").wantCode(t, 0)
}
