package e2e_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tokentoss/tokentoss/emulator"
)

// A provider is an emulator in the test's own process, so that a script can make
// it fail and look at what it was asked.
type provider struct {
	*emulator.Emulator
	clientFile string
}

// providers are those of one script.
type providers struct {
	dir     string
	byName  map[string]*provider
	current *provider
}

type providersKey struct{}

func (p *providers) close() {
	for _, e := range p.byName {
		_ = e.Close()
	}
}

// runProvider is the command "provider":
//
//	provider start [NAME]          starts one; the account ada@example.com agrees by itself
//	provider use NAME              goes back to another one
//	provider consent EMAIL         another account agrees from now on
//	provider device EMAIL          that account agrees to device codes; '' is nobody
//	provider lifetime DURATION     of tokens to come
//	provider clock OFFSET          moves its clock
//	provider revoke                ends every session
//	provider reauth SUBTYPE        wants a fresh sign-in, as a Workspace policy does
//	provider fault ENDPOINT WHAT   WHAT is a status, hang, reset or off
//	provider fault ENDPOINT STATUS NAME:VALUE...
//	provider key EMAIL FILE        makes a key of a service account
//	provider delete-keys EMAIL     deletes them all
//	provider workload EMAIL FILE   makes the configuration of a CI job that becomes EMAIL
//	provider refuse always|off     IAP refuses every token
//	provider refuse refreshed      IAP refuses tokens of a refresh
//	provider clients ID...         whose tokens IAP takes; without any, nobody's
//	provider members EMAIL...      who may pass IAP
//	provider no-refresh-token      gives none from now on
//	provider forward-proxy STATUS  starts a proxy at $PROXY that makes no tunnels
//	provider reset                 counts from zero again
//	provider calls WHAT N          was called N times; WHAT is an endpoint or a grant
//	provider header WHAT NAME      some call had this header; with !, none had
func runProvider(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("provider: what?")
	}
	p := ts.Value(providersKey{}).(*providers)
	verb, args := args[0], args[1:]
	arg := func(i int) string {
		if i >= len(args) {
			ts.Fatalf("provider %s: an argument is missing", verb)
		}
		return args[i]
	}
	duration := func(s string) time.Duration {
		d, err := time.ParseDuration(s)
		ts.Check(err)
		return d
	}
	switch e := p.current; verb {
	case "start":
		name := strings.Join(args, "")
		ts.Check(p.start(name))
		p.show(ts)
	case "use":
		p.current = p.byName[arg(0)]
		p.show(ts)
	case "consent":
		e.SetAutoConsent(arg(0))
	case "device":
		e.SetDeviceConsent(arg(0))
	case "lifetime":
		e.SetTokenLifetime(duration(arg(0)))
	case "clock":
		e.SetClockOffset(duration(arg(0)))
	case "revoke":
		e.RevokeAll()
	case "reauth":
		e.RequireReauth(arg(0))
	case "fault":
		e.SetFault(emulator.Endpoint(arg(0)), fault(ts, arg(1), args[2:]))
	case "key":
		data, err := e.ServiceAccountKey(arg(0))
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(arg(1)), data, 0o600))
	case "delete-keys":
		e.DeleteServiceAccountKeys(arg(0))
	case "workload":
		ts.Check(e.workload(arg(0), ts.MkAbs(arg(1))))
	case "refuse":
		e.SetIAPPolicy(map[string]emulator.IAPPolicy{
			"always": emulator.RefuseAlways, "refreshed": emulator.RefuseRefreshed}[arg(0)])
	case "clients":
		e.SetAllowedClients(append([]string{}, args...))
	case "members":
		e.SetAllowedEmails(append([]string{}, args...))
	case "forward-proxy":
		status, err := strconv.Atoi(arg(0))
		ts.Check(err)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		ts.Defer(s.Close)
		ts.Setenv("PROXY", s.URL)
	case "no-refresh-token":
		e.SetTokenAnswer(func(_ string, answer map[string]any) { delete(answer, "refresh_token") })
	case "reset":
		e.ResetCalls()
	case "calls":
		want, err := strconv.Atoi(arg(1))
		ts.Check(err)
		if got := e.calls(arg(0)); got != want {
			ts.Fatalf("%s was called %d times, want %d", arg(0), got, want)
		}
	case "header":
		if had := e.hadHeader(ts, arg(0), arg(1)); had == neg {
			ts.Fatalf("some call of %s had a header %s: %v", arg(0), arg(1), had)
		}
	default:
		ts.Fatalf("provider: what is %q?", verb)
	}
}

// start starts a provider and makes it the current one.
func (p *providers) start(name string) error {
	e, err := emulator.Start(context.Background(), emulator.Options{
		AutoConsent: "ada@example.com",
		Accounts:    []emulator.Account{{Email: "ada@example.com"}, {Email: "bob@example.com"}},
		ServiceAccounts: []emulator.ServiceAccount{
			{Email: robot}, {Email: "deploy@project.iam.gserviceaccount.com", Impersonators: []string{robot, job}},
			{Email: "locked@project.iam.gserviceaccount.com"},
		},
		Clients: []emulator.Client{{ID: "device-client", Secret: "GOCSPX-device", Type: emulator.LimitedInput}},
		// As often as a provider can have it asked; nobody waits longer in a test.
		DeviceInterval: time.Second,
	})
	if err != nil {
		return err
	}
	p.current = &provider{Emulator: e, clientFile: filepath.Join(p.dir, "client_secrets"+name+".json")}
	p.byName[name] = p.current
	if err := os.WriteFile(p.current.deviceFile(), e.ClientSecretsOf(e.Clients()[1]), 0o600); err != nil {
		return err
	}
	return os.WriteFile(p.current.clientFile, e.ClientSecrets(), 0o600)
}

// robot is the service account that a provider's machine has, and job a workload of a
// CI service.
const (
	robot = "robot@project.iam.gserviceaccount.com"
	job   = "repo:example/app"
)

// workload writes what a CI job has: its configuration, and its own token beside it.
func (p *provider) workload(email, path string) error {
	token, err := p.WorkloadToken(job)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".token", []byte(token), 0o600); err != nil {
		return err
	}
	return os.WriteFile(path, p.ExternalAccount(email, path+".token"), 0o640) // as CI services do
}

// deviceFile is that of the client for the device flow.
func (p *provider) deviceFile() string { return p.clientFile + ".device.json" }

// show tells the script where the current provider is.
func (p *providers) show(ts *testscript.TestScript) {
	ts.Setenv("GOOGLE", p.current.GoogleURL())
	ts.Setenv("GOOGLE_HOST", strings.TrimPrefix(p.current.GoogleURL(), "http://"))
	ts.Setenv("IAP", p.current.IAPURL())
	ts.Setenv("IAP_HOST", strings.TrimPrefix(p.current.IAPURL(), "http://"))
	ts.Setenv("CLIENT", p.current.clientFile)
	ts.Setenv("DEVICE_CLIENT", p.current.deviceFile())
	ts.Setenv("CLIENT_ID", p.current.Clients()[0].ID)
}

// calls counts the calls of an endpoint, or the requests for a grant.
func (p *provider) calls(what string) int {
	if what == "refresh_token" || what == "authorization_code" {
		return p.TokenCalls(what)
	}
	return p.Calls(emulator.Endpoint(what))
}

// hadHeader tells whether any call of an endpoint had a header.
func (p *provider) hadHeader(ts *testscript.TestScript, what, name string) bool {
	all := p.Requests(emulator.Endpoint(what))
	if len(all) == 0 {
		ts.Fatalf("%s was never called", what)
	}
	return slices.ContainsFunc(all, func(r emulator.Request) bool { return r.Header.Get(name) != "" })
}

// fault reads what an endpoint is to do.
func fault(ts *testscript.TestScript, what string, headers []string) *emulator.Fault {
	switch what {
	case "off":
		return nil
	case "hang":
		return &emulator.Fault{Hang: true}
	case "reset":
		return &emulator.Fault{Reset: true}
	}
	status, err := strconv.Atoi(what)
	ts.Check(err)
	f := &emulator.Fault{Status: status, Header: http.Header{}, Body: []byte("the provider is having a bad day\n")}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		f.Header.Set(name, value)
	}
	return f
}
