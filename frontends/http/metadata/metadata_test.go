package metadata_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/peercred"
	"github.com/tokentoss/tokentoss/frontends/http/metadata"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
)

const inProcess = plugintest.InProcess

// In every carrier.
func TestIdentity(t *testing.T) {
	for _, c := range plugintest.Carriers() {
		t.Run(string(c), func(t *testing.T) {
			s := start(t, c, signedIn(), "")
			answer, body := s.send(t, s.request(t, identity+audience+"&format=full"))
			if answer.StatusCode != http.StatusOK || body != planted {
				t.Errorf("the answer is %s, %s", answer.Status, body)
			}
			if answer.Header.Get("Metadata-Flavor") != "Google" || answer.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("its headers are %v", answer.Header)
			}
			if shown := s.screen.Shown(); strings.Contains(shown, planted) || !strings.Contains(shown, "warning: every program") {
				t.Errorf("the terminal shows %s", shown)
			}
		})
	}
}

// What there is beside tokens.
func TestTree(t *testing.T) {
	s := start(t, inProcess, signedIn(), `{"project": "the-project"}`)
	const v1 = "/computeMetadata/v1/"
	for path, want := range map[string]string{
		"/": "computeMetadata/\n", "": "computeMetadata/\n", "/computeMetadata/": "v1/\n", v1: "instance/\nproject/\nuniverse/\n",
		v1 + "instance/service-accounts/":                           "ada@example.com/\ndefault/\n",
		v1 + "instance/service-accounts":                            "ada@example.com/\ndefault/\n",
		v1 + "instance/service-accounts/default/":                   "aliases\nemail\nidentity\nscopes\ntoken\n",
		v1 + "instance/service-accounts/default/?recursive=true":    `{"aliases":["default"],"email":"ada@example.com","scopes":["openid","email"]}`,
		v1 + "instance/service-accounts/default/email":              ada,
		v1 + "instance/service-accounts/default/email?alt=json":     `"ada@example.com"`,
		v1 + "instance/service-accounts/ada@example.com/scopes":     "openid\nemail\n",
		v1 + "project/project-id":                                   "the-project",
		v1 + "universe/universe-domain":                             "googleapis.com",
		v1 + "?recursive=true":                                      "",
		v1 + "instance/service-accounts/default/?recursive=true&x=": `{"aliases":["default"],"email":"ada@example.com","scopes":["openid","email"]}`,
	} {
		answer, body := s.send(t, s.request(t, path))
		if answer.StatusCode != http.StatusOK || want != "" && body != want {
			t.Errorf("%s is answered with %s, %q", path, answer.Status, body)
		}
		wantNoToken(t, path, answer, body)
		json := strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json")
		if json != strings.HasPrefix(body, "{") && json != strings.HasPrefix(body, `"`) {
			t.Errorf("%s has the type %s", path, answer.Header.Get("Content-Type"))
		}
	}
	for _, path := range []string{
		v1 + "instance/id", v1 + "instance/service-accounts/bob@example.com/email", v1 + "project/project-id/x",
		v1 + "instance/service-accounts/default/email/x", "/computeMetadata/v2/", "/x", "//" + v1, v1 + "%2e%2e/x",
	} {
		if answer, body := s.send(t, s.request(t, path)); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s is answered with %s, %q", path, answer.Status, body)
		}
	}
	bare := start(t, inProcess, signedIn(), "")
	if answer, _ := bare.send(t, bare.request(t, v1+"project/project-id")); answer.StatusCode != http.StatusNotFound {
		t.Errorf("a project that is not set is answered with %s", answer.Status)
	}
}

// What is no library of a program on this machine gets nothing.
func TestRefused(t *testing.T) {
	a := signedIn()
	s := start(t, inProcess, a, "")
	address, _, _ := strings.Cut(s.host, "/")
	port := address[strings.LastIndex(address, ":"):]
	for what, d := range map[string]struct {
		change func(r *http.Request)
		status int
		says   string
	}{
		"no flavor":         {func(r *http.Request) { r.Header.Del("Metadata-Flavor") }, http.StatusForbidden, "Metadata-Flavor: Google is missing"},
		"another flavor":    {func(r *http.Request) { r.Header.Set("Metadata-Flavor", "google") }, http.StatusForbidden, "is missing"},
		"relayed":           {func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1") }, http.StatusForbidden, "X-Forwarded-For"},
		"relayed, empty":    {func(r *http.Request) { r.Header["X-Forwarded-For"] = []string{""} }, http.StatusForbidden, "X-Forwarded-For"},
		"rebound":           {func(r *http.Request) { r.Host = "evil.example" + port }, http.StatusMisdirectedRequest, "no other name"},
		"Google's address":  {func(r *http.Request) { r.Host = "169.254.169.254" }, http.StatusMisdirectedRequest, "no other name"},
		"Google's name":     {func(r *http.Request) { r.Host = "metadata.google.internal" }, http.StatusMisdirectedRequest, "no other name"},
		"another port":      {func(r *http.Request) { r.Host = "127.0.0.1:1" }, http.StatusMisdirectedRequest, "no other name"},
		"a page":            {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, http.StatusForbidden, "another site"},
		"a page of a file":  {func(r *http.Request) { r.Header.Set("Origin", "null") }, http.StatusForbidden, "another site"},
		"a page's image":    {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden, "another site"},
		"a preflight":       {func(r *http.Request) { r.Method = http.MethodOptions }, http.StatusMethodNotAllowed, "only GET"},
		"a POST":            {func(r *http.Request) { r.Method = http.MethodPost }, http.StatusMethodNotAllowed, "only GET"},
		"no audience":       {func(r *http.Request) { r.URL.RawQuery = "" }, http.StatusBadRequest, "non-empty audience"},
		"another audience":  {func(r *http.Request) { r.URL.RawQuery = "audience=other" }, http.StatusForbidden, audience + `, not for "other"`},
		"an access token":   {func(r *http.Request) { r.URL.Path = strings.Replace(r.URL.Path, "identity", "token", 1) }, http.StatusForbidden, "no access tokens"},
		"an absolute other": {func(r *http.Request) { r.URL.Opaque = "//evil.example" + r.URL.Path }, http.StatusMisdirectedRequest, ""},
	} {
		r := s.request(t, identity+audience)
		if d.change(r); r.URL.Opaque != "" {
			r.Host = "evil.example"
		}
		answer, body := s.send(t, r)
		wantNoToken(t, what, answer, body)
		if answer.StatusCode != d.status || !strings.Contains(body, d.says) {
			t.Errorf("%s is answered with %s, %s", what, answer.Status, body)
		}
		for name := range answer.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: the answer has %s", what, name)
			}
		}
	}
	if n := a.asked.Load(); n != 1 { // for the other audience
		t.Errorf("the App was asked for %d tokens", n)
	}
	if answer, _ := s.send(t, s.request(t, identity+audience)); answer.StatusCode != http.StatusOK {
		t.Errorf("what is right is answered with %s", answer.Status)
	}
	r := s.request(t, identity+audience)
	r.Host = "localhost" + port
	if answer, _ := s.send(t, r); answer.StatusCode != http.StatusOK {
		t.Errorf("localhost is answered with %s", answer.Status)
	}
}

func TestAnyAudience(t *testing.T) {
	s := start(t, inProcess, signedIn(), `{"any_audience": true}`)
	if _, body := s.send(t, s.request(t, identity+"https://other.example.com")); body != planted {
		t.Errorf("the answer is %s", body)
	}
}

// Errors have a status with which libraries show them, or try again.
func TestErrors(t *testing.T) {
	for _, d := range []struct {
		name   string
		state  core.State
		err    error
		status int
		says   string
	}{
		{"signed out", core.SignedOut, &core.SignInNeededError{Cause: core.CauseSignedOut}, http.StatusForbidden, "run tokentoss login"},
		{"ended", core.NeedsSignIn, &core.SignInNeededError{Cause: core.CauseTooOld}, http.StatusForbidden, "run tokentoss login"},
		{"no client", core.NotConfigured, core.ErrNotConfigured, http.StatusForbidden, "run tokentoss configure"},
		{"offline", core.SignedIn, &fault.Error{Kind: fault.Offline, Subject: "h"}, http.StatusServiceUnavailable, "no connection"},
	} {
		t.Run(d.name, func(t *testing.T) {
			a := &app{status: core.Status{State: d.state}, err: d.err}
			if d.state == core.SignedIn || d.state == core.NeedsSignIn {
				a.status.Email = ada
			}
			s := start(t, inProcess, a, "")
			answer, body := s.send(t, s.request(t, identity+audience))
			wantNoToken(t, d.name, answer, body)
			if answer.StatusCode != d.status || !strings.Contains(body, d.says) {
				t.Errorf("it is answered with %s, %s", answer.Status, body)
			}
			if a.status.Email == "" {
				answer, body = s.send(t, s.request(t, "/computeMetadata/v1/instance/service-accounts/default/email"))
				if answer.StatusCode != http.StatusForbidden || !strings.Contains(body, "run tokentoss login") {
					t.Errorf("whose it is is answered with %s, %s", answer.Status, body)
				}
			}
		})
	}
}

// The secret in the address is wanted for everything.
func TestGuardPath(t *testing.T) {
	s := start(t, inProcess, signedIn(), `{"guard": "path"}`)
	address, key, ok := strings.Cut(s.host, "/")
	if !ok || len(key) < 20 {
		t.Fatalf("the address is %s", s.host)
	}
	if _, body := s.send(t, s.request(t, identity+audience)); body != planted {
		t.Errorf("the answer is %s", body)
	}
	if _, body := s.send(t, s.request(t, "")); body != "computeMetadata/\n" {
		t.Errorf("the answer to a library that looks for the server is %s", body)
	}
	for _, host := range []string{address, address + "/x", address + "/" + key[1:], address + "/" + key + "x", address + "//" + key} {
		s.host = host
		for _, path := range []string{"/", identity + audience} {
			answer, body := s.send(t, s.request(t, path))
			wantNoToken(t, host, answer, body)
			if answer.StatusCode != http.StatusNotFound {
				t.Errorf("%s%s is answered with %s", host, path, answer.Status)
			}
		}
	}
}

// A run ends at once, with answers under way, and frees its address.
func TestEnd(t *testing.T) {
	a := signedIn()
	a.busy = make(chan struct{})
	s := start(t, inProcess, a, "")
	answered := make(chan error, 1)
	r := s.request(t, identity+audience)
	go func() {
		answer, err := s.client.Do(r)
		if err == nil {
			answer.Body.Close()
		}
		answered <- err
	}()
	<-a.busy
	s.end(t)
	<-answered
	address, _, _ := strings.Cut(s.host, "/")
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("the address is still taken: %v", err)
	}
	l.Close()

	short := start(t, inProcess, signedIn(), `{"for": "10ms"}`)
	select {
	case err := <-short.done:
		if close(short.done); err != nil {
			t.Errorf("a run that was to end returned %v", err)
		}
	case <-time.After(patience):
		t.Error("a run that was to end does not")
	}
}

func TestOpenErrors(t *testing.T) {
	guard := `{"guard": "owner"}`
	for settings, says := range map[string]string{
		`{"listen": "0.0.0.0:0"}`: "other machines", `{"listen": ":80"}`: "other machines", `{"listen": "169.254.169.254:80"}`: "other machines",
		`{"for": "8 hours"}`: "8h", `{"for": "-1h"}`: "8h", `{"guard": "dog"}`: "owner, path or none", guard: "path or none here",
	} {
		if settings == guard && peercred.Supported() {
			continue
		}
		f, err := metadata.Plugin().OpenFrontend(t.Context(), plugins.Request{Terminal: plugintest.NewTerminal(), Settings: []byte(settings)})
		if err == nil {
			err = f.Run(t.Context(), signedIn())
		} else if !errors.Is(err, plugins.ErrBadConfig) {
			t.Errorf("%s: %v is no error of the settings", settings, err)
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", settings, err)
		}
	}
	if _, err := metadata.Plugin().OpenFrontend(context.Background(), plugins.Request{}); err == nil {
		t.Error("nobody can see the address, and that is no error")
	}
}
