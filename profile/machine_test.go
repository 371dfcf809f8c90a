package profile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

type fakeFlow struct{ selfSigned bool }

func (fakeFlow) SignIn(context.Context, core.Prompter) (*core.Token, error) {
	return nil, errors.New("asked")
}
func (f fakeFlow) SelfSigned() bool { return f.selfSigned }

// absolute makes path one of this system: on Windows one of a drive.
func absolute(path string) string {
	if runtime.GOOS == "windows" {
		return "C:" + filepath.FromSlash(path)
	}
	return path
}

// openIn opens a profile of a config.toml, and returns the settings that its flow was
// opened with.
func openIn(t *testing.T, text, name string, flow core.Flow) (*Profile, *Settings, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ConfigName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var got *Settings
	o := Options{Dir: dir, Name: name}
	if flow != nil {
		o.OpenFlow = func(s Settings, p Place) (core.Flow, error) {
			if p.Dir != dir || p.Profile != name {
				t.Errorf("opened for %+v", p)
			}
			got = &s
			return flow, nil
		}
	}
	p, err := Open(o)
	if err == nil {
		t.Cleanup(func() { _ = p.Close() })
	}
	return p, got, err
}

// A machine's profile is opened with its flow, by settings that are whole; a person's
// is not, also below a machine's.
func TestMachineProfile(t *testing.T) {
	t.Setenv(EnvKeyFile, "")
	elsewhere := absolute("/etc/key.json")
	text := `
flow = "service_account"
audience = "a"
key_file = "keys/ci.json"
[profiles.other]
service_account = "x@y"
delegates = ["d@y"]
key_file = '` + elsewhere + `'
[profiles.me]
flow = "browser"
`
	p, s, err := openIn(t, text, "default", fakeFlow{})
	if err != nil || s == nil || s.KeyFile != filepath.Join(p.Dir, "keys/ci.json") || s.Audience != "a" || !p.Settings.IsMachine() {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := p.IDToken(t.Context()); err == nil || err.Error() != "asked" {
		t.Errorf("%v", err)
	}
	p, s, err = openIn(t, text, "other", fakeFlow{})
	if err != nil || s.KeyFile != elsewhere || s.ServiceAccount != "x@y" || len(s.Delegates) != 1 || s.Flow != "service_account" {
		t.Errorf("%+v, %v", s, err)
	}
	st, err := p.Status(t.Context())
	if err != nil || st.State != core.SignedIn || st.Machine != "service_account, as x@y, key file "+elsewhere+", through d@y, for a" {
		t.Errorf("%+v, %v", st, err)
	}
	p, s, err = openIn(t, text, "me", fakeFlow{})
	if err != nil || s != nil || p.Settings.IsMachine() {
		t.Errorf("%+v, %v", s, err)
	}
	if st, err := p.Status(t.Context()); err != nil || st.State != core.NotConfigured {
		t.Errorf("%+v, %v", st, err)
	}
}

// A program that has no flow gives what is stored, and says when that is nothing. A
// client file that is no good is no matter of a machine's.
func TestMachineWithoutFlow(t *testing.T) {
	t.Setenv(EnvKeyFile, absolute("/env/key.json"))
	p, _, err := openIn(t, "flow = 'service_account'\naudience = 'a'\n", "default", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.ClientFile, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := Open(Options{Dir: p.Dir})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := again.IDToken(t.Context()); !errors.Is(err, core.ErrNoFlow) {
		t.Errorf("%v", err)
	}
	if st, err := again.Status(t.Context()); err != nil || !strings.Contains(st.Machine, absolute("/env/key.json")) {
		t.Errorf("%+v, %v", st, err)
	}
}

// What a machine lacks is named by its setting.
func TestMachineSettings(t *testing.T) {
	_, _, err := openIn(t, "flow = 'metadata'\n", "default", fakeFlow{})
	var se *SettingError
	if !errors.As(err, &se) || se.Key != "audience" || se.Remedy().IsZero() {
		t.Errorf("%v", err)
	}
}
