package doctor_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func local() map[doctor.ID]scenario {
	do := func(f func(w *world)) scenario { return scenario{provoke: f} }
	tokenAnswer := func(status int, body string) scenario {
		return do(func(w *world) {
			w.signInBriefly()
			w.em.SetFault(emulator.Token, &emulator.Fault{Status: status, Body: []byte(body), Header: http.Header{"Content-Type": {"application/json"}}})
		})
	}
	return map[doctor.ID]scenario{
		doctor.SettingsBroken: do(func(w *world) { w.write("config.toml", "profile = [") }),
		doctor.NotConfigured:  do(func(w *world) { _ = os.Remove(filepath.Join(w.dir, "client_secrets.json")) }),
		doctor.StoreUnusable: do(func(w *world) {
			w.signIn()
			if err := os.Remove(filepath.Join(w.dir, "tokens.json")); err != nil {
				w.t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(w.dir, "tokens.json"), 0o700); err != nil {
				w.t.Fatal(err)
			}
		}),
		doctor.MachineToken: do(func(w *world) { // by a program that has no flow
			w.write("config.toml", "flow = 'metadata'\naudience = 'a'\n")
		}),
		doctor.ProviderAnswer: do(func(w *world) { w.em.SetFault(emulator.Discovery, &emulator.Fault{Status: 503}) }),
		doctor.ClockWrong:     do(func(w *world) { w.signIn(); w.em.SetClockOffset(time.Minute) }),
		doctor.SignedOut:      do(func(*world) {}),
		doctor.SessionEnded:   do(func(w *world) { w.signInBriefly(); w.em.RevokeAll() }),
		doctor.FreshSignIn:    do(func(w *world) { w.signInBriefly(); w.em.RequireReauth("invalid_rapt") }),
		doctor.SessionTooOld: do(func(w *world) {
			w.signIn()
			w.write("config.toml", `session_lifetime = "1ns"`)
		}),
		doctor.OtherClient: do(func(w *world) {
			w.signIn()
			w.write("client_secrets.json", strings.ReplaceAll(string(w.em.ClientSecrets()), w.em.Clients()[0].ID, "1-other.apps.googleusercontent.com"))
		}),
		doctor.ClientRefused: tokenAnswer(401, `{"error": "invalid_client"}`),
		doctor.RefreshFailed: tokenAnswer(503, `{}`),
		doctor.UnusableIDToken: do(func(w *world) {
			w.signInBriefly()
			w.em.SetIDTokenClaims(func(_, claims map[string]any) { delete(claims, "email") })
		}),
		doctor.PlainHTTP:  at(func(*world) string { return "http://service.example/" }),
		doctor.BadAddress: at(func(*world) string { return "https://*.example.com/" }),
		doctor.NotATarget: do(func(w *world) {
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

func network() map[doctor.ID]scenario {
	named := func(rcode byte) scenario {
		return at(func(w *world) string {
			w.nameServer(rcode)
			return "https://service.example/"
		})
	}
	return map[doctor.ID]scenario{
		doctor.NameUnknown:       named(3),
		doctor.NameServer:        named(2),
		doctor.ConnectionRefused: at(func(w *world) string { return "https://" + closedPort(w.t) + "/" }),
		doctor.NoAnswer: at(func(w *world) string {
			w.em.SetFault(emulator.IAP, &emulator.Fault{Hang: true})
			w.timeout = 300 * time.Millisecond
			return w.em.IAPURL()
		}),
		doctor.Unreachable: at(func(w *world) string {
			// No machine has this address (RFC 5737).
			w.transport.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}}).DialContext
			return w.em.IAPURL()
		}),
		doctor.BrokenOff: at(func(w *world) string {
			w.em.SetFault(emulator.IAP, &emulator.Fault{Reset: true})
			return w.em.IAPURL()
		}),
		doctor.TLSName:      withTLS(certificate{"service.example", -time.Hour, time.Hour}, true),
		doctor.TLSExpired:   withTLS(certificate{"127.0.0.1", -2 * time.Hour, -time.Hour}, true),
		doctor.TLSNotYet:    withTLS(certificate{"127.0.0.1", time.Hour, 2 * time.Hour}, true),
		doctor.TLSAuthority: withTLS(good, false),
		doctor.TLSRefused: at(func(w *world) string {
			return w.front(good, nil, &tls.Config{ClientAuth: tls.RequireAnyClientCert}).URL
		}),
		doctor.NoTLS:         at(func(w *world) string { return strings.Replace(w.em.IAPURL(), "http:", "https:", 1) }),
		doctor.ProxySignIn:   byProxy(&forwardProxy{status: http.StatusProxyAuthRequired}),
		doctor.ProxyRefuses:  byProxy(&forwardProxy{status: http.StatusForbidden}),
		doctor.CaptivePortal: byProxy(&forwardProxy{status: http.StatusFound}),
		doctor.ProxyUnreachable: at(func(w *world) string {
			w.transport.Proxy = http.ProxyURL(mustParse(w.t, "http://ada:query-secret@"+closedPort(w.t)))
			return "https://service.example/"
		}),
		doctor.ProxyClearText: at(func(w *world) string {
			w.through(&forwardProxy{status: http.StatusOK})
			return w.em.IAPURL()
		}),
	}
}

func front() map[doctor.ID]scenario {
	return map[doctor.ID]scenario{
		doctor.NotBehindIAP:   at(func(w *world) string { w.signIn(); return w.serve(200, nil, "hello").URL }),
		doctor.ServiceSignIn:  fault(302, "", "Location", googleURL+"https://service.example/callback"),
		doctor.CloudRunIAM:    fault(403, "<h1>Error: Forbidden</h1><h2>Your client does not have permission to get URL <code>/</code> from this server.</h2>"),
		doctor.RedirectLoop:   fault(302, "", "Location", "/whoami"),
		doctor.RedirectAway:   fault(301, "", "Location", "https://www.service.example/start?query-secret"),
		doctor.BackendDown:    fault(503, "no healthy upstream"),
		doctor.NoRoute:        fault(404, "<title>Error 404 (Not Found)!!1</title>"),
		doctor.SecurityPolicy: fault(403, `<!doctype html><meta charset="utf-8"><title>403</title>403 Forbidden`),
		doctor.OtherIdentities: fault(302, "", iapMark, "true", "Location",
			"https://auth.cloud.google/signin/locations/global/workforcePools/lab/providers/oidc"),
		doctor.NoIAPClient:  fault(502, "Empty Google Account OAuth client ID(s)/secret(s)."),
		doctor.IAPQuota:     fault(429, "", iapMark, "true"),
		doctor.IAPErrorCode: fault(500, "There was a problem with your request. Error code 11", iapMark, "true"),
		doctor.IAPFault:     fault(503, "", iapMark, "true"),
		doctor.RedirectInsecure: at(func(w *world) string {
			return w.serveTLS(good, nil, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, "http://"+r.Host+"/start", http.StatusFound)
			})).URL
		}),
	}
}

func person() map[doctor.ID]scenario {
	do := func(f func(w *world)) scenario { return scenario{provoke: f} }
	notListed := func(w *world) { w.signIn(); w.em.SetAllowedClients([]string{"1-other.apps.googleusercontent.com"}) }
	return map[doctor.ID]scenario{
		doctor.Audience: do(notListed),
		doctor.ManagedClient: {provoke: notListed,
			options: emulator.Options{IAPClientID: "987654321098-googles.apps.googleusercontent.com"}},
		doctor.TokenExpired: fault(401, "Invalid IAP credentials: Expired JWT", iapMark, "true"),
		doctor.TokenRefused: fault(401, "Invalid IAP credentials: Invalid bearer token", iapMark, "true"),
		doctor.TokenStripped: at(func(w *world) string {
			w.signIn()
			return w.front(good, func(r *http.Request) { r.Header.Del("Authorization") }, nil).URL
		}),
		doctor.AccessLevel:  do(func(w *world) { w.signInBriefly(); w.em.SetIAPPolicy(emulator.RefuseRefreshed) }),
		doctor.NoRole:       do(func(w *world) { w.signIn(); w.em.SetAllowedEmails([]string{}) }),
		doctor.Service401:   path("/401"),
		doctor.Service403:   path("/403"),
		doctor.ServiceError: path("/no-such-page"),
	}
}

// Every case of the table is provoked, and found: with its exit code, if it is the
// first failure, and with nothing left to fill in that is known.
func TestEveryCase(t *testing.T) {
	scenarios := map[doctor.ID]scenario{}
	for _, group := range []map[doctor.ID]scenario{local(), network(), front(), person()} {
		for id, s := range group {
			scenarios[id] = s
		}
	}
	for _, c := range doctor.Cases() {
		t.Run(string(c.ID), func(t *testing.T) {
			s, ok := scenarios[c.ID]
			if !ok {
				t.Fatal("there is no scenario")
			}
			w := newWorld(t, s.options)
			s.provoke(w)
			r := w.examine()
			f := found(t, r, c.ID)
			if f.Level != c.Level {
				t.Errorf("it is %s, want %s", f.Level, c.Level)
			}
			first := firstFailure(r)
			if first == c.ID && r.ExitCode != c.Exit {
				t.Errorf("exit code %d, want %d", r.ExitCode, c.Exit)
			}
			if c.Level == doctor.Fail && first != c.ID && first != doctor.SignedOut {
				t.Errorf("the first failure is %s: %v", first, levels(r))
			}
			for _, known := range []string{"HOST", "ORIGIN", "EMAIL", "CLIENT_ID", "STATUS", "NEXT", "PROVIDER", "OFFSET", "LOGIN_HOST", "CODE", "MEANING", "MEMBER", "EXPECTED"} {
				if strings.Contains(strings.Join(append(f.Do, append(f.Commands, f.Text, f.Cause)...), " "), known) {
					t.Errorf("%s is not filled in: %+v", known, f)
				}
			}
		})
	}
	if len(scenarios) != len(doctor.Cases()) {
		t.Errorf("%d scenarios for %d cases", len(scenarios), len(doctor.Cases()))
	}
}

func firstFailure(r *doctor.Report) doctor.ID {
	for _, f := range r.Checks {
		if f.Level == doctor.Fail {
			return f.Case
		}
	}
	return ""
}
