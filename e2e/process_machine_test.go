//go:build linux

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// newRobot returns a computer whose profile is a machine's, by a key.
func newRobot(t *testing.T) (m *machine, key string) {
	t.Helper()
	m = newMachine(t, emulator.Options{ServiceAccounts: []emulator.ServiceAccount{{Email: robot}}})
	data, err := m.provider.ServiceAccountKey(robot)
	if err != nil {
		t.Fatal(err)
	}
	key = filepath.Join(t.TempDir(), "key.json")
	writeFile(t, key, data)
	writeFile(t, filepath.Join(m.dir, "config.toml"), fmt.Appendf(nil, "flow = 'service_account'\nkey_file = %q\naudience = %q\nissuer = %q\n",
		key, m.provider.Clients()[0].ID, m.provider.Issuer()))
	return m, key
}

const bearerGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// However many processes of a machine want a token at once, there is one request,
// also when it fails.
func TestMachineProcessesMakeOneRequest(t *testing.T) {
	m, _ := newRobot(t)
	m.provider.SetFault(emulator.Token, &emulator.Fault{
		Status: http.StatusInternalServerError, Header: http.Header{"Retry-After": {"45"}}, Delay: 100 * time.Millisecond,
	})
	if out := wantAll(t, m.together(t, 64, "token"), 1); out != "" {
		t.Errorf("standard output is %q, expected nothing", out)
	}
	if n := m.provider.TokenCalls(bearerGrant); n != 1 {
		t.Errorf("%d requests that fail, expected 1", n)
	}
	m.run(t, "logout").wantCode(t, 0)
	m.provider.SetFault(emulator.Token, &emulator.Fault{Delay: 100 * time.Millisecond})
	m.provider.ResetCalls()
	if out := wantAll(t, m.together(t, 64, "token"), 0); !strings.HasPrefix(out, "ey") {
		t.Errorf("standard output is %q, expected a token", out)
	}
	if n := m.provider.TokenCalls(bearerGrant); n != 1 {
		t.Errorf("%d requests, expected 1", n)
	}
	expireMachine(t, m.tokens())
	m.provider.ResetCalls()
	wantAll(t, m.together(t, 64, "token"), 0)
	if n := m.provider.TokenCalls(bearerGrant); n != 1 {
		t.Errorf("%d requests at expiry, expected 1", n)
	}
}

// A notebook in which nobody is has the machine's tokens, as the shell does.
func TestMachineRPC(t *testing.T) {
	t.Parallel()
	m, _ := newRobot(t)
	s := m.rpc(t)
	one := s.opened(nil)
	token := s.does("session.token", object{"session": one})["token"].(string)
	if shell := strings.TrimSpace(m.run(t, "token").wantCode(t, 0).stdout); shell != token {
		t.Error("the shell has another token")
	}
	if n := m.provider.TokenCalls(bearerGrant); n != 1 {
		t.Errorf("%d requests, expected 1", n)
	}
}

// expireMachine makes a machine's stored token an hour old.
func expireMachine(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	fields["obtained_at"] = time.Now().Add(-time.Hour).UTC().Format(time.RFC3339Nano)
	if data, err = json.Marshal(fields); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, data)
}

// Nothing of a key, nor what it signs, is in an argument list, in an environment or on
// a stream, however much is said.
func TestMachineShowsNoSecret(t *testing.T) {
	t.Parallel()
	m, key := newRobot(t)
	m.provider.SetFault(emulator.Token, &emulator.Fault{Delay: 250 * time.Millisecond})
	w := watch(t, m.dir)
	var said strings.Builder
	for _, args := range [][]string{{"login"}, {"status", "--json"}, {"doctor"}, {"get", m.provider.IAPURL() + "/whoami"}, {"logout"}} {
		r := m.run(t, append([]string{"--verbose"}, args...)...).wantCode(t, 0)
		said.WriteString(r.stdout + r.stderr)
	}
	m.provider.DeleteServiceAccountKeys(robot)
	r := m.run(t, "--verbose", "token").wantCode(t, 1)
	said.WriteString(r.stdout + r.stderr)
	for _, p := range w.stop() {
		said.WriteString(p.cmdline + p.environ)
	}
	var file struct {
		PrivateKey string `json:"private_key"`
	}
	data, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	secrets := strings.Split(file.PrivateKey, "\n")[1:20]
	for _, r := range m.provider.Requests() {
		secrets = append(secrets, r.Form.Get("assertion"), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	}
	if len(secrets) < 22 {
		t.Fatal("this test tests nothing")
	}
	for _, s := range secrets {
		if s != "" && strings.Contains(said.String(), s) {
			t.Errorf("shown: %.12s...", s)
		}
	}
}
