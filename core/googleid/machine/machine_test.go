package machine_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/googleid"
	"github.com/tokentoss/tokentoss/core/googleid/machine"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/stores/file"
)

// flows are all ways to a token: its options, and whose it is.
func (w *world) flows() map[string]struct {
	machine.Options
	email string
} {
	all := w.e.IAPURL() + "/*"
	return map[string]struct {
		machine.Options
		email string
	}{
		"key":                           {machine.Options{Flow: machine.ServiceAccount, KeyFile: w.key(robot)}, robot},
		"metadata":                      {machine.Options{Flow: machine.Metadata}, robot},
		"metadata, by address":          {machine.Options{Flow: machine.Metadata, Account: robot}, robot},
		"impersonation by key":          {machine.Options{Flow: machine.Impersonation, KeyFile: w.key(robot), Account: deploy}, deploy},
		"impersonation by metadata":     {machine.Options{Flow: machine.Impersonation, Account: deploy}, deploy},
		"impersonation by federation":   {machine.Options{Flow: machine.Impersonation, KeyFile: w.federation(), Account: deploy}, deploy},
		"impersonation through another": {machine.Options{Flow: machine.Impersonation, Account: deploy, Delegates: []string{locked}}, deploy},
		"federation":                    {machine.Options{Flow: machine.WorkloadIdentity, KeyFile: w.federation()}, deploy},
		"JWT by key":                    {machine.Options{Flow: machine.SignedJWT, KeyFile: w.key(robot), Audience: all}, robot},
		"JWT of another by key":         {machine.Options{Flow: machine.SignedJWT, KeyFile: w.key(robot), Account: deploy, Audience: all}, deploy},
		"JWT by metadata":               {machine.Options{Flow: machine.SignedJWT, Account: deploy, Audience: all}, deploy},
		"JWT by federation":             {machine.Options{Flow: machine.SignedJWT, KeyFile: w.federation(), Audience: all}, deploy},
		"JWT for one page":              {machine.Options{Flow: machine.SignedJWT, KeyFile: w.key(robot), Audience: w.e.IAPURL() + "/whoami"}, robot},
	}
}

// Every flow gives a token with which IAP lets the machine through, by a session as
// a person's: one request for all, and the next when it is time.
func TestFlows(t *testing.T) {
	w := newWorld(t)
	w.onGCE()
	for name, tt := range w.flows() {
		t.Run(name, func(t *testing.T) {
			if tt.Audience == "" {
				tt.Audience = w.e.Clients()[0].ID
			}
			s := w.session(t, tt.Options)
			id, err := s.IDToken(t.Context())
			if err != nil || id.Email != tt.email || id.Audience != tt.Audience {
				t.Fatalf("%v, %v; want %s", id, err, tt.email)
			}
			client, err := iap.NewTransport(s, iap.Options{Origins: []string{w.e.IAPURL()}, InsecureLoopback: true})
			if err != nil {
				t.Fatal(err)
			}
			res, err := (&http.Client{Transport: client}).Get(w.e.IAPURL() + "/whoami")
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != 200 {
				t.Errorf("IAP: %s", res.Status)
			}
			next, err := s.Renew(t.Context(), id)
			if err != nil || next.Generation != id.Generation+1 {
				t.Errorf("renewed: %v, %v", next, err)
			}
		})
	}
}

// session returns a session of the machine over the file store.
func (w *world) session(t *testing.T, o machine.Options) *core.Session {
	t.Helper()
	store, err := file.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return w.sessionOver(t, store, o)
}

func (w *world) sessionOver(t *testing.T, store core.TokenStore, o machine.Options) *core.Session {
	t.Helper()
	f := w.flow(o)
	s, err := core.NewSession(core.SessionOptions{Store: store, Machine: &core.Machine{
		Name: "test", Issuer: w.e.Issuer(), Audience: o.Audience, SelfSigned: f.SelfSigned(), Flow: f,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// The ID tokens are Google's, by the verifier of package googleid; the JWTs are
// not, and are for IAP alone.
func TestVerified(t *testing.T) {
	w := newWorld(t)
	w.onGCE()
	v, err := googleid.NewIDTokenVerifier(googleid.Options{
		Audiences: []string{w.e.Clients()[0].ID}, Issuer: w.e.Issuer(), KeysURL: w.e.GoogleURL() + "/oauth2/v3/certs", InsecureLoopback: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range w.flows() {
		token, err := w.signIn(tt.Options)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		who, err := v.Verify(t.Context(), token.IDToken.Reveal())
		if tt.Flow == machine.SignedJWT {
			if err == nil {
				t.Errorf("%s: taken for Google's", name)
			}
		} else if err != nil || who.Email != tt.email {
			t.Errorf("%s: %v, %v", name, who, err)
		}
	}
}

// One request serves all processes that share a store, also when it fails.
func TestOneRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store, err := file.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := machine.Options{Flow: machine.ServiceAccount, KeyFile: w.key(robot), Audience: w.e.Clients()[0].ID}
	ask := func() (failed int) {
		var all sync.WaitGroup
		var mu sync.Mutex
		for range 16 {
			s := w.sessionOver(t, store, o)
			for range 4 {
				all.Go(func() {
					if _, err := s.IDToken(context.Background()); err != nil {
						mu.Lock()
						defer mu.Unlock()
						failed++
					}
				})
			}
		}
		all.Wait()
		return failed
	}
	w.e.SetFault(emulator.Token, &emulator.Fault{Status: 503})
	if failed := ask(); failed != 64 || w.e.Calls(emulator.Token) != 1 {
		t.Errorf("%d of 64 failed, by %d requests", failed, w.e.Calls(emulator.Token))
	}
	w.e.SetFault(emulator.Token, nil)
	w.e.ResetCalls()
	if err := store.Delete(t.Context(), core.DefaultKey); err != nil {
		t.Fatal(err)
	}
	if failed := ask(); failed != 0 || w.e.Calls(emulator.Token) != 1 {
		t.Errorf("%d of 64 failed, by %d requests", failed, w.e.Calls(emulator.Token))
	}
}

// A machine that cannot be made is told why.
func TestOptions(t *testing.T) {
	t.Parallel()
	good := machine.Options{Flow: machine.ServiceAccount, Audience: "a", KeyFile: "/key.json"}
	if _, err := machine.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*machine.Options){
		"flow":            func(o *machine.Options) { o.Flow = "browser" },
		"audience":        func(o *machine.Options) { o.Audience = "" },
		"key_file":        func(o *machine.Options) { o.KeyFile = "" },
		"service_account": func(o *machine.Options) { o.Flow, o.KeyFile = machine.Impersonation, "" },
		"delegates":       func(o *machine.Options) { o.Delegates = []string{"a@b/../../x"} },
		"issuer":          func(o *machine.Options) { o.Issuer = "https://id.example.com" },
	} {
		o := good
		change(&o)
		_, err := machine.New(o)
		var oe *machine.OptionError
		if !errors.As(err, &oe) || oe.Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, account := range []string{"robot", "a@", "@b", "a@b:signBlob", "a@b/x", "a b@c", "ä@b"} {
		o := good
		o.Flow, o.Account = machine.Impersonation, account
		if _, err := machine.New(o); err == nil {
			t.Errorf("%s: taken", account)
		}
	}
	o := good
	o.Flow, o.Audience = machine.SignedJWT, "123.apps.googleusercontent.com"
	if _, err := machine.New(o); err == nil {
		t.Error("a signed JWT for a client's ID: taken")
	}
}
