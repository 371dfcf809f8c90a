package rpc_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/profile"
	"github.com/tokentoss/tokentoss/stores/memory"
)

// object is a JSON object.
type object = map[string]any

var inMemory = object{"memory": object{}}

// TestSession goes through all requests of a session, in the profile's own store.
func TestSession(t *testing.T) {
	e, p := provider(t, emulator.Options{})
	h := host(t)
	c := connect(t, h).initialize()
	opened := c.does("session.open", nil)
	s := opened["session"].(string)
	place := object{
		"profile": "default", "store": "file", "location": filepath.Join(h.Dir, "tokens.json"),
		"client_file": filepath.Join(h.Dir, "client_secrets.json"),
	}
	for name, want := range place {
		if opened[name] != want {
			t.Errorf("%s is %v, want %v", name, opened[name], want)
		}
	}
	if opened["status"].(object)["state"] != "not_configured" || opened["protection"] == "" || opened["problem"] != nil {
		t.Errorf("opened is %v", opened)
	}
	one := object{"session": s}
	c.fails("not_configured", "session.token", one)

	file := filepath.Join(t.TempDir(), "downloaded.json")
	if err := os.WriteFile(file, e.ClientSecrets(), 0o644); err != nil {
		t.Fatal(err)
	}
	configured := c.does("session.configure", object{"session": s, "file": file})
	if configured["client_file"] != filepath.Join(h.Dir, "client_secrets.json") || configured["status"].(object)["state"] != "signed_out" {
		t.Errorf("configured is %v", configured)
	}
	c.fails("sign_in_needed", "session.token", one)
	c.signIn(s, e)
	token := c.does("session.token", one)
	if token["kind"] != "id" || token["email"] != ada || token["audience"] != p["client_id"] || token["issuer"] != e.Issuer() ||
		token["generation"] != 1.0 || !strings.HasPrefix(token["token"].(string), "eyJ") || token["subject"] == "" {
		t.Errorf("the token is %v", token)
	}
	issued, err := time.Parse(time.RFC3339, token["issued_at"].(string))
	expiry, err2 := time.Parse(time.RFC3339, token["expiry"].(string))
	if err != nil || err2 != nil || expiry.Sub(issued) != time.Hour {
		t.Errorf("the token lives from %v to %v", token["issued_at"], token["expiry"])
	}
	access := c.does("session.token", object{"session": s, "kind": "access"})
	if access["kind"] != "access" || !strings.HasPrefix(access["token"].(string), "ya29.") {
		t.Errorf("the access token is %v", access)
	}
	if st := c.does("session.status", one); st["state"] != "signed_in" || st["email"] != ada {
		t.Errorf("the status is %v", st)
	}
	c.does("session.sign_out", one)
	c.phase(s, "signed_out")
	c.fails("sign_in_needed", "session.token", one)
	if n := e.Calls(emulator.Revoke); n != 1 {
		t.Errorf("the provider was told %d times", n)
	}
	c.does("session.close", one)
	c.fails("unknown_session", "session.token", one)
	c.fails("unknown_session", "session.close", one)
}

// TestPaste: a browser that does not reach this machine.
func TestPaste(t *testing.T) {
	e, p := provider(t, emulator.Options{})
	c := connect(t, host(t)).initialize()
	s := c.open(object{"client": p, "store": inMemory})
	c.say(s, `{"v":1,"type":"hello"}`)
	redirect := agree(t, e, c.armed(s))
	c.say(s, `{"v":1,"type":"redirect","attempt":1,"url":"http://127.0.0.1:1/?code=wrong"}`)
	c.until(s, "it is refused", func(m object) bool { return m["error"] != nil })
	c.say(s, fmt.Sprintf(`{"v":1,"type":"redirect","attempt":1,"url":%q}`, redirect))
	c.phase(s, "signed_in")
	c.does("session.sign_out", object{"session": s, "local": true})
	c.phase(s, "signed_out")
	if n := e.Calls(emulator.Revoke); n != 0 {
		t.Errorf("the provider was told %d times", n)
	}
}

// TestStale: however many hold a token that a service refused, one refresh serves
// them all.
func TestStale(t *testing.T) {
	e, p := provider(t, emulator.Options{})
	c := connect(t, host(t)).initialize()
	s := c.open(object{"client": p, "store": inMemory})
	c.signIn(s, e)
	const crowd = 100
	for range crowd {
		c.begin("session.token", object{"session": s, "stale": 1})
	}
	for range crowd {
		if r, _ := c.next()["result"].(object); r["generation"] != 2.0 {
			t.Fatalf("the answer is %s", c.lastLine())
		}
	}
	if n := e.TokenCalls("refresh_token"); n != 1 {
		t.Errorf("there were %d refreshes, want 1", n)
	}
	c.fails("renewed_recently", "session.token", object{"session": s, "stale": 2})
	if r := c.does("session.token", object{"session": s, "stale": 1}); r["generation"] != 2.0 {
		t.Errorf("the answer is %v", r)
	}
}

// TestRecord: a session that the client keeps comes as it is, and stays in memory.
func TestRecord(t *testing.T) {
	e, p := provider(t, emulator.Options{})
	h := host(t)
	c := connect(t, h).initialize()
	file := filepath.Join(t.TempDir(), "tokens.json")
	first := c.open(object{"client": p, "store": object{"file": file}})
	c.signIn(first, e)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	store := object{"memory": object{"record": jsonText(data)}}
	second := c.does("session.open", object{"client": p, "store": store})
	if second["status"].(object)["email"] != ada || second["store"] != "memory" || second["location"] != nil {
		t.Errorf("opened is %v", second)
	}
	c.does("session.sign_out", object{"session": second["session"], "local": true})
	c.does("session.token", object{"session": first})
	if _, err := os.Stat(h.Dir); err == nil {
		t.Error("something was kept in the configuration directory")
	}
}

// jsonText is JSON as it is.
type jsonText []byte

func (j jsonText) MarshalJSON() ([]byte, error) { return j, nil }

// TestOpenParams: what stands in a profile's place.
func TestOpenParams(t *testing.T) {
	e, p := provider(t, emulator.Options{})
	h := host(t)
	opened := memory.New()
	h.OpenStore = func(_ context.Context, name string, _ profile.Place) (core.TokenStore, error) {
		if name != "vault" {
			return nil, &profile.UnknownStoreError{Name: name, Known: []string{"file", "vault"}}
		}
		return opened, nil
	}
	c := connect(t, h).initialize()
	r := c.does("session.open", object{"client": p, "store": object{"name": "vault"}})
	if r["store"] != "vault" || r["client_file"] != nil {
		t.Errorf("opened is %v", r)
	}
	c.fails("unknown_store", "session.open", object{"store": object{"name": "cellar"}})
	c.fails("unknown_profile", "session.open", object{"profile": "work"})
	c.fails("unknown_profile", "session.open", object{"profile": "../work"})

	file := filepath.Join(t.TempDir(), "client.json")
	c.fails("bad_client", "session.open", object{"client": object{"file": file}})
	if err := os.WriteFile(file, e.ClientSecrets(), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := c.does("session.open", object{"client": object{"file": file}}); r["client_file"] != file {
		t.Errorf("opened is %v", r)
	}
	c.fails("bad_client", "session.open", object{"client": object{"client_id": "x y", "client_secret": "z"}})
	c.fails("bad_client", "session.open", object{"client": object{"client_id": "x", "client_secret": "z", "token_uri": "https://evil.example/"}})

	// A client that was given is the session's alone.
	s := c.open(object{"client": p, "store": inMemory})
	configured := c.does("session.configure", object{"session": s, "client_id": p["client_id"], "client_secret": "GOCSPX-other"})
	if configured["client_file"] != nil {
		t.Errorf("configured is %v", configured)
	}
	if entries, err := os.ReadDir(h.Dir); err == nil {
		t.Errorf("the configuration directory has %v", entries)
	}
	for _, bad := range []object{
		{"store": object{}}, {"store": object{"name": "vault", "file": "/x"}}, {"store": object{"file": "x.json"}},
		{"client": object{}}, {"client": object{"file": file, "client_id": "x"}}, {"client": object{"file": "x.json"}},
		{"max_session_lifetime_seconds": -1}, {"max_session_lifetime_seconds": 1e300}, {"max_session_lifetime_seconds": "24h"},
	} {
		c.wantProblem(c.call("session.open", bad), -32602, "")
	}
}

// TestScopesAndLifetime: those of a session go before the profile's.
func TestScopesAndLifetime(t *testing.T) {
	e, p := provider(t, emulator.Options{})
	c := connect(t, host(t)).initialize()
	scope := "https://www.googleapis.com/auth/cloud-platform"
	s := c.open(object{"client": p, "store": inMemory, "scopes": []string{"openid", "email", scope}, "max_session_lifetime_seconds": 90.5})
	c.say(s, `{"v":1,"type":"hello"}`)
	address := c.armed(s)
	if strings.Count(address, "openid") != 1 || !strings.Contains(address, "cloud-platform") {
		t.Errorf("the address is %s", address)
	}
	visit(t, agree(t, e, address))
	c.phase(s, "signed_in")
	st := c.does("session.status", object{"session": s})
	from, err := time.Parse(time.RFC3339, st["signed_in_at"].(string))
	until, err2 := time.Parse(time.RFC3339, st["session_ends"].(string))
	if err != nil || err2 != nil || until.Sub(from) != 90500*time.Millisecond {
		t.Errorf("the session lasts from %v to %v", st["signed_in_at"], st["session_ends"])
	}
	s = c.open(object{"client": p, "store": inMemory, "max_session_lifetime_seconds": 0})
	c.signIn(s, e)
	if st := c.does("session.status", object{"session": s}); st["session_ends"] != nil {
		t.Errorf("a session without a limit ends at %v", st["session_ends"])
	}
}

// TestUnusableSession: what a sign-in puts right does not stand in its way.
func TestUnusableSession(t *testing.T) {
	e, p := provider(t, emulator.Options{})
	for reason, mode := range map[string]os.FileMode{"insecure": 0o644, "corrupt": 0o600} {
		t.Run(reason, func(t *testing.T) {
			if reason == "insecure" && runtime.GOOS == "windows" {
				t.Skip("a file has no mode")
			}
			c := connect(t, host(t)).initialize()
			file := filepath.Join(t.TempDir(), "tokens.json")
			if err := os.WriteFile(file, []byte("{\"id_token\": \"cut sh"), mode); err != nil {
				t.Fatal(err)
			}
			r := c.does("session.open", object{"client": p, "store": object{"file": file}})
			problem, _ := r["problem"].(object)
			data, _ := problem["data"].(object)
			if r["status"].(object)["state"] != "signed_out" || data["reason"] != reason || data["hint"] == nil {
				t.Fatalf("opened is %v", r)
			}
			s := r["session"].(string)
			c.fails(reason, "session.token", object{"session": s})
			c.say(s, `{"v":1,"type":"hello"}`)
			m := c.until(s, "it says so", func(m object) bool { return m["error"] != nil })
			c.say(s, fmt.Sprintf(`{"v":1,"type":"arm","seq":%v}`, m["seq"]))
			visit(t, agree(t, e, c.armed(s)))
			c.phase(s, "signed_in")
			c.does("session.token", object{"session": s})
		})
	}
}

// TestSessionsAreBounded: a client that never closes one gets no more.
func TestSessionsAreBounded(t *testing.T) {
	c := connect(t, host(t)).initialize()
	var s string
	for range 512 {
		s = c.open(object{"store": inMemory})
	}
	c.fails("unavailable", "session.open", object{"store": inMemory})
	c.does("session.close", object{"session": s})
	c.open(object{"store": inMemory})
}
