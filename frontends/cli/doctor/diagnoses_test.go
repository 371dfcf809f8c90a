package doctor_test

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core/iap/tunnel"
	"github.com/tokentoss/tokentoss/core/proxyenv"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/frontends/cli/doctor"
)

const (
	iapMark   = "X-Goog-IAP-Generated-Response"
	googleURL = "https://accounts.google.com/o/oauth2/v2/auth?client_id=1234567890-x.apps.googleusercontent.com&redirect_uri="
)

// A scenario provokes a case.
type scenario struct {
	provoke func(w *world)
	options emulator.Options
}

// fault is a scenario in which IAP's address answers everybody alike, somebody
// being signed in.
func fault(status int, body string, header ...string) scenario {
	return scenario{provoke: func(w *world) {
		w.signIn()
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		w.em.SetFault(emulator.IAP, &emulator.Fault{Status: status, Body: []byte(body), Header: h})
	}}
}

// at is a scenario in which something else is examined than IAP's /whoami.
func at(url func(w *world) string) scenario {
	return scenario{provoke: func(w *world) { w.url = url(w) }}
}

// path is a path of the guarded service, somebody being signed in.
func path(p string) scenario {
	return scenario{provoke: func(w *world) {
		w.signIn()
		w.url = w.em.IAPURL() + p
	}}
}

func local() map[doctor.Code]scenario {
	do := func(f func(w *world)) scenario { return scenario{provoke: f} }
	tokenAnswer := func(status int, body string) scenario {
		return do(func(w *world) {
			w.signInBriefly()
			w.em.SetFault(emulator.Token, &emulator.Fault{Status: status, Body: []byte(body), Header: http.Header{"Content-Type": {"application/json"}}})
		})
	}
	return map[doctor.Code]scenario{
		"settings-broken": do(func(w *world) { w.write("config.toml", "profile = [") }),
		"not-configured":  do(func(w *world) { _ = os.Remove(filepath.Join(w.dir, "client_secrets.json")) }),
		"store-unusable": do(func(w *world) {
			w.signIn()
			if err := os.Remove(filepath.Join(w.dir, "tokens.json")); err != nil {
				w.t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(w.dir, "tokens.json"), 0o700); err != nil {
				w.t.Fatal(err)
			}
		}),
		"no-machine-token": do(func(w *world) { // by a program that has no flow
			w.write("config.toml", "flow = 'metadata'\naudience = 'a'\n")
		}),
		"provider-answer": do(func(w *world) { w.em.SetFault(emulator.Discovery, &emulator.Fault{Status: 503}) }),
		"clock-wrong":     do(func(w *world) { w.signIn(); w.em.SetClockOffset(time.Minute) }),
		"signed-out":      do(func(*world) {}),
		"session-ended":   do(func(w *world) { w.signInBriefly(); w.em.RevokeAll() }),
		"fresh-sign-in":   do(func(w *world) { w.signInBriefly(); w.em.RequireReauth("invalid_rapt") }),
		"session-too-old": do(func(w *world) {
			w.signIn()
			w.write("config.toml", `session_lifetime = "1ns"`)
		}),
		"other-client": do(func(w *world) {
			w.signIn()
			w.write("client_secrets.json", strings.ReplaceAll(string(w.em.ClientSecrets()), w.em.Clients()[0].ID, "1-other.apps.googleusercontent.com"))
		}),
		"client-refused": do(func(w *world) {
			tokenAnswer(401, `{"error": "invalid_client"}`).provoke(w)
			w.refreshes = 2 // with the secret in the body, then in the header
		}),
		"refresh-failed": tokenAnswer(503, `{}`),
		"unusable-id-token": do(func(w *world) {
			w.signInBriefly()
			w.em.SetIDTokenClaims(func(_, claims map[string]any) { claims["aud"] = "another client" })
		}),
		"plain-http":  at(func(*world) string { return "http://service.example/" }),
		"bad-address": at(func(*world) string { return "https://*.example.com/" }),
		"not-a-target": do(func(w *world) {
			w.signIn()
			w.write("config.toml", `targets = ["https://service.example"]`)
		}),
	}
}

// withTLS is a scenario in which IAP is behind a TLS server with this certificate.
func withTLS(c certificate, trusted bool) scenario {
	return at(func(w *world) string {
		s := w.front(c, nil, nil)
		if !trusted {
			w.transport.TLSClientConfig = nil
		}
		return s.URL + "/whoami?query-secret"
	})
}

// byProxy is a scenario with a forward proxy.
func byProxy(p *forwardProxy) scenario {
	return at(func(w *world) string {
		w.through(p)
		return "https://service.example/"
	})
}

func network() map[doctor.Code]scenario {
	named := func(rcode byte) scenario {
		return at(func(w *world) string {
			w.nameServer(rcode)
			return "https://service.example/"
		})
	}
	return map[doctor.Code]scenario{
		"name-unknown":       named(3),
		"name-server":        named(2),
		"connection-refused": at(func(w *world) string { return "https://" + closedPort(w.t) + "/" }),
		"no-answer": at(func(w *world) string {
			w.em.SetFault(emulator.IAP, &emulator.Fault{Hang: true})
			w.timeout = 300 * time.Millisecond
			return w.em.IAPURL()
		}),
		"unreachable": at(func(w *world) string {
			// No machine has this address (RFC 5737).
			w.transport.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}}).DialContext
			return w.em.IAPURL()
		}),
		"broken-off": at(func(w *world) string {
			w.em.SetFault(emulator.IAP, &emulator.Fault{Reset: true})
			return w.em.IAPURL()
		}),
		"tls-name":      withTLS(certificate{"service.example", -time.Hour, time.Hour}, true),
		"tls-expired":   withTLS(certificate{"127.0.0.1", -2 * time.Hour, -time.Hour}, true),
		"tls-not-yet":   withTLS(certificate{"127.0.0.1", time.Hour, 2 * time.Hour}, true),
		"tls-authority": withTLS(good, false),
		"tls-refused": at(func(w *world) string {
			return w.front(good, nil, &tls.Config{ClientAuth: tls.RequireAnyClientCert}).URL
		}),
		"no-tls":         at(func(w *world) string { return strings.Replace(w.em.IAPURL(), "http:", "https:", 1) }),
		"proxy-sign-in":  byProxy(&forwardProxy{status: http.StatusProxyAuthRequired}),
		"proxy-refuses":  byProxy(&forwardProxy{status: http.StatusForbidden}),
		"captive-portal": byProxy(&forwardProxy{status: http.StatusFound}),
		"proxy-unreachable": at(func(w *world) string {
			w.transport.Proxy = http.ProxyURL(mustParse(w.t, "http://ada:query-secret@"+closedPort(w.t)))
			return "https://service.example/"
		}),
		"proxy-variable": at(func(w *world) string {
			w.t.Setenv("HTTPS_PROXY", "http://ada:query-secret@2026#x@proxy.example:3128")
			w.transport.Proxy = proxyenv.FromEnvironment
			return "https://service.example/"
		}),
		"proxy-clear-text": at(func(w *world) string {
			w.through(&forwardProxy{status: http.StatusOK})
			return w.em.IAPURL()
		}),
	}
}

func front() map[doctor.Code]scenario {
	return map[doctor.Code]scenario{
		"not-behind-iap":  at(func(w *world) string { w.signIn(); return w.serve(200, nil, "hello").URL }),
		"service-sign-in": fault(302, "", "Location", googleURL+"https://service.example/callback"),
		"cloud-run-iam":   fault(403, "<h1>Error: Forbidden</h1><h2>Your client does not have permission to get URL <code>/</code> from this server.</h2>"),
		"redirect-loop":   fault(302, "", "Location", "/whoami"),
		"redirect-away":   fault(301, "", "Location", "https://www.service.example/start?query-secret"),
		"backend-down":    fault(503, "no healthy upstream"),
		"no-route":        fault(404, "<title>Error 404 (Not Found)!!1</title>"),
		"security-policy": fault(403, `<!doctype html><meta charset="utf-8"><title>403</title>403 Forbidden`),
		"other-identities": fault(302, "", iapMark, "true", "Location",
			"https://auth.cloud.google/signin/locations/global/workforcePools/lab/providers/oidc"),
		"no-iap-client":  fault(502, "Empty Google Account OAuth client ID(s)/secret(s)."),
		"iap-quota":      fault(429, "", iapMark, "true"),
		"iap-error-code": fault(500, "There was a problem with your request. Error code 11", iapMark, "true"),
		"iap-fault":      fault(503, "", iapMark, "true"),
		"redirect-insecure": at(func(w *world) string {
			return w.serveTLS(good, nil, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, "http://"+r.Host+"/start", http.StatusFound)
			})).URL
		}),
	}
}

func person() map[doctor.Code]scenario {
	do := func(f func(w *world)) scenario { return scenario{provoke: f} }
	notListed := func(w *world) { w.signIn(); w.em.SetAllowedClients([]string{"1-other.apps.googleusercontent.com"}) }
	return map[doctor.Code]scenario{
		"audience": do(notListed),
		"google-managed-client": {provoke: notListed,
			options: emulator.Options{IAPClientID: "987654321098-googles.apps.googleusercontent.com"}},
		"token-expired": fault(401, "Invalid IAP credentials: Expired JWT", iapMark, "true"),
		"token-refused": fault(401, "Invalid IAP credentials: Invalid bearer token", iapMark, "true"),
		"token-stripped": at(func(w *world) string {
			w.signIn()
			return w.front(good, func(r *http.Request) { r.Header.Del("Authorization") }, nil).URL
		}),
		"access-level":  do(func(w *world) { w.signInBriefly(); w.em.SetIAPPolicy(emulator.RefuseRefreshed) }),
		"no-role":       do(func(w *world) { w.signIn(); w.em.SetAllowedEmails([]string{}) }),
		"service-401":   path("/401"),
		"service-403":   path("/403"),
		"service-error": path("/no-such-page"),
	}
}

// guard is a scenario in which something else than IAP guards a service: it sends
// people to the profile's own provider, and answers a token with status.
func guard(status int) scenario {
	return at(func(w *world) string {
		w.signIn()
		return w.guarded(func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "" {
				http.Redirect(rw, r, w.em.GoogleURL()+"/o/oauth2/v2/auth?client_id=guard", http.StatusFound)
				return
			}
			rw.WriteHeader(status)
		})
	})
}

func (w *world) guarded(h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	w.t.Cleanup(s.Close)
	return s.URL
}

func otherGuards() map[doctor.Code]scenario {
	return map[doctor.Code]scenario{
		"guard-refuses-token":   guard(401),
		"guard-refuses":         guard(403),
		"guarded-service-error": guard(404),
	}
}

// A guard that is not IAP is taken for what it is: nothing that is said of it is
// about IAP's roles, access levels or allowlists, and a token that it takes is fine.
func TestGuardThatIsNotIAP(t *testing.T) {
	bearer := func(rw http.ResponseWriter, r *http.Request) { // as Apache's mod_oauth2 does
		if r.Header.Get("Authorization") == "" {
			rw.Header().Set("WWW-Authenticate", `Bearer realm="lab"`)
			rw.WriteHeader(http.StatusUnauthorized)
		}
	}
	cookiesOnly := func(em *emulator.Emulator) http.HandlerFunc { // as oauth2-proxy does by default
		return func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, em.GoogleURL()+"/o/oauth2/v2/auth?client_id=guard", http.StatusFound)
		}
	}
	audience := func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="Invalid audience"`)
		rw.WriteHeader(http.StatusUnauthorized)
	}
	for name, tt := range map[string]struct {
		handler func(em *emulator.Emulator) http.HandlerFunc
		exit    int
		code    doctor.Code
	}{
		"takes the token":        {func(*emulator.Emulator) http.HandlerFunc { return bearer }, 0, ""},
		"knows cookies only":     {cookiesOnly, 4, "guard-refuses-token"},
		"wants another audience": {func(*emulator.Emulator) http.HandlerFunc { return audience }, 4, "guard-refuses-token"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, emulator.Options{})
			w.signInBriefly() // so that the token is of a refresh, as one that an access level refuses
			w.url = w.guarded(tt.handler(w.em))
			r := w.examine()
			if r.ExitCode != tt.exit || firstFailure(r) != tt.code {
				t.Errorf("exit code %d: %v", r.ExitCode, levels(r))
			}
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, never := range []string{"gcloud", "access level", "roles/iap", "allowlist"} {
				if strings.Contains(string(text), never) {
					t.Errorf("the report speaks of %s: %s", never, text)
				}
			}
		})
	}
}

// Every case of the table is provoked, and found: with its exit code, if it is the
// first failure, and with nothing left to fill in that is known.
func TestEveryDiagnosis(t *testing.T) {
	scenarios := map[doctor.Code]scenario{}
	for _, group := range []map[doctor.Code]scenario{local(), network(), front(), person(), otherGuards(), tunnels()} {
		for id, s := range group {
			scenarios[id] = s
		}
	}
	for _, c := range doctor.Diagnoses() {
		t.Run(string(c.Code), func(t *testing.T) {
			s, ok := scenarios[c.Code]
			if !ok {
				t.Fatal("there is no scenario")
			}
			w := newWorld(t, s.options)
			s.provoke(w)
			r := w.examine()
			f := found(t, r, c.Code)
			if f.Level != c.Level {
				t.Errorf("it is %s, want %s", f.Level, c.Level)
			}
			first := firstFailure(r)
			if first == c.Code && r.ExitCode != c.Exit {
				t.Errorf("exit code %d, want %d", r.ExitCode, c.Exit)
			}
			if c.Level == doctor.Fail && first != c.Code && first != "signed-out" {
				t.Errorf("the first failure is %s: %v", first, levels(r))
			}
			for _, known := range []string{"HOST", "ORIGIN", "EMAIL", "CLIENT_ID", "STATUS", "NEXT", "PROVIDER", "OFFSET", "LOGIN_HOST", "CODE", "MEANING", "MEMBER", "EXPECTED"} {
				if strings.Contains(strings.Join(append(f.Do, append(f.Commands, f.Text, f.Cause)...), " "), known) {
					t.Errorf("%s is not filled in: %+v", known, f)
				}
			}
		})
	}
	if len(scenarios) != len(doctor.Diagnoses()) {
		t.Errorf("%d scenarios for %d cases", len(scenarios), len(doctor.Diagnoses()))
	}
}

func firstFailure(r *doctor.Report) doctor.Code {
	for _, f := range r.Checks {
		if f.Level == doctor.Fail {
			return f.Code
		}
	}
	return ""
}

// tunnels are scenarios of a port that is not reached.
func tunnels() map[doctor.Code]scenario {
	network := emulator.Options{Instances: []emulator.Instance{{Project: "p", Zone: "z", Name: "box", Dropped: []int{23}}}}
	to := func(host string, port int, scope string, f func(w *world)) scenario {
		return scenario{options: network, provoke: func(w *world) {
			w.write("config.toml", "scopes = ['"+scope+"']\n")
			w.signIn()
			w.tunnel = &doctor.TunnelTarget{Host: host, Port: port}
			w.timeout = time.Second
			f(w)
		}}
	}
	nothing := func(*world) {}
	return map[doctor.Code]scenario{
		"tunnel-scope":    to("box", 22, "profile", nothing),
		"tunnel-role":     to("box", 22, tunnel.Scope, func(w *world) { w.em.SetTunnelUsers([]string{}) }),
		"tunnel-instance": to("other", 22, tunnel.Scope, nothing),
		"tunnel-port":     to("box", 22, tunnel.Scope, nothing),
		"tunnel-firewall": to("box", 23, tunnel.Scope, nothing),
		"tunnel-policy":   to("box", 22, tunnel.Scope, func(w *world) { w.em.SetRelayFault(emulator.RelayFault{Close: 4054}) }),
		"tunnel-relay":    to("box", 22, tunnel.Scope, func(w *world) { w.em.SetFault(emulator.Relay, &emulator.Fault{Status: 200, Body: []byte("hello")}) }),
	}
}
