//go:build unix

package e2e_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// A revoked refresh token costs one request. All later processes are told
// at once to sign in again, until somebody does.
func TestRevokedSessionAcrossProcesses(t *testing.T) {
	t.Parallel()
	m := newSession(t, emulator.Options{})
	old := m.session(t)
	m.provider.RevokeAll()
	age(t, m.tokens(), -time.Minute)
	first := m.run(t, "token").wantCode(t, 3)
	if first.stdout != "" || !strings.Contains(first.stderr, "hint: tokentoss login") {
		t.Errorf("it printed %q and %q, expected nothing and a hint", first.stdout, first.stderr)
	}
	m.wantRefreshes(t, 1)
	for _, r := range m.together(t, 20, "token") {
		r.wantCode(t, 3)
	}
	m.run(t, "status").wantCode(t, 3)
	m.wantRefreshes(t, 1)
	for _, name := range []string{"id_token", "refresh_token", "user_email"} {
		if m.session(t)[name] != old[name] {
			t.Errorf("%s changed: a revoked session is to be left alone", name)
		}
	}
	m.signIn(t, ada)
	wantAll(t, m.together(t, 4, "token"), 0)
	age(t, m.tokens(), -time.Minute)
	wantAll(t, m.together(t, 4, "token"), 0)
	m.wantRefreshes(t, 2)
}

// pythonFields are those that Python tokentoss 0.1 writes.
var pythonFields = []string{"access_token", "id_token", "refresh_token", "expiry", "scopes", "user_email", "created_at"}

// foreign are fields of programs that are not known here, with numbers and
// characters that a careless copy changes.
const foreign = `{
	"later_list": [1, 12345678901234567890, 1.50, null, {"a": {"b": [[], {}]}}],
	"later_object": {"text": "<&> \u00e9 \ud83d\ude00", "on": false},
	"later_number": 1e3,
	"Access_Token": "not the access token"
}`

func addForeign(t *testing.T, fields map[string]any) {
	t.Helper()
	more, err := decode([]byte(foreign))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range more {
		fields[name] = v
	}
}

func wantForeign(t *testing.T, fields map[string]any) {
	t.Helper()
	more, err := decode([]byte(foreign))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range more {
		if !reflect.DeepEqual(fields[name], v) {
			t.Errorf("%s is %v, expected %v", name, fields[name], v)
		}
	}
}

// A session that a later version wrote, with fields that are not known
// here, keeps them through a refresh, a failed refresh and a sign-in.
func TestUnknownFieldsSurvive(t *testing.T) {
	t.Parallel()
	m := newSession(t, emulator.Options{})
	edit(t, m.tokens(), func(fields map[string]any) { addForeign(t, fields) })
	age(t, m.tokens(), -time.Minute)
	wantAll(t, m.together(t, 4, "token"), 0)
	m.wantRefreshes(t, 1)
	wantForeign(t, m.session(t))

	m.provider.RevokeAll()
	age(t, m.tokens(), -time.Minute)
	m.run(t, "token").wantCode(t, 3)
	wantForeign(t, m.session(t))

	m.signIn(t, ada)
	wantForeign(t, m.session(t))
	m.run(t, "token").wantCode(t, 0)
}

// A session as Python tokentoss writes it is used and refreshed, and keeps
// what else is in it.
func TestSessionOfPython(t *testing.T) {
	t.Parallel()
	// Python does not say when it got the token, so that this one really ends.
	m := newSession(t, emulator.Options{TokenLifetime: 4 * time.Second})
	edit(t, m.tokens(), func(fields map[string]any) {
		python := map[string]any{}
		for _, name := range pythonFields {
			python[name] = fields[name]
		}
		clear(fields)
		for name, v := range python {
			fields[name] = v
		}
		fields["created_at"] = time.Now().UTC().Format("2006-01-02T15:04:05.999999") // isoformat without a zone
		addForeign(t, fields)
	})
	before := m.session(t)
	m.run(t, "status").wantCode(t, 0)
	if out := m.run(t, "token").wantCode(t, 0).stdout; out != before["id_token"].(string)+"\n" && m.refreshes() == 0 {
		t.Error("it did not print the stored token")
	}
	poll(t, "the session is refreshed", func() bool {
		m.run(t, "token").wantCode(t, 0)
		return m.refreshes() > 0
	})
	after := m.session(t)
	if after["id_token"] == before["id_token"] || after["refresh_token"] != before["refresh_token"] || after["created_at"] != before["created_at"] {
		t.Error("the refresh did not change the ID token alone")
	}
	wantForeign(t, after)
}

// A session in a format that is newer than this program is not touched by
// any command but the one that removes it.
func TestNewerFormatIsLeftAlone(t *testing.T) {
	t.Parallel()
	m := newSession(t, emulator.Options{})
	edit(t, m.tokens(), func(fields map[string]any) {
		fields["version"] = json.Number("2")
		addForeign(t, fields)
	})
	age(t, m.tokens(), -time.Minute)
	old := mustRead(t, m.tokens())
	for _, args := range [][]string{{"token"}, {"status"}, {"login", "--no-browser"}, {"get", "http://127.0.0.1:1/"}} {
		r := m.run(t, args...).wantCode(t, 1)
		if !strings.Contains(r.stderr, "version 2") {
			t.Errorf("%v: %q does not name the version", args, r.stderr)
		}
		if !bytes.Equal(mustRead(t, m.tokens()), old) {
			t.Fatalf("%v changed the session", args)
		}
	}
	if n := m.provider.Calls(emulator.Token); n != 1 {
		t.Errorf("the token endpoint was called %d times, expected only the sign-in", n)
	}
	m.run(t, "logout", "--local").wantCode(t, 0)
	m.signIn(t, ada)
}
