package emulator_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/emulator/emulatortest"
)

// Every way to fail, on both sides; a fault counts the call.
func TestFaults(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	keys := e.GoogleURL() + "/oauth2/v3/certs"
	good := call(t, "GET", keys, "").body

	e.SetFault(emulator.JWKS, &emulator.Fault{Status: 307, Header: http.Header{"Location": {"/x"}}, Body: []byte("moved"), Times: 2})
	for range 2 {
		if a := call(t, "GET", keys, ""); a.status != 307 || a.header.Get("Location") != "/x" || a.body != "moved" {
			t.Errorf("answer: %d %q", a.status, a.body)
		}
	}
	if a := call(t, "GET", keys, ""); a.body != good {
		t.Errorf("after its Times: %d", a.status)
	}
	e.SetFault(emulator.JWKS, &emulator.Fault{Body: []byte("<html>")})
	if a := call(t, "GET", keys, ""); a.status != 200 || a.body != "<html>" {
		t.Errorf("body alone: %d %q", a.status, a.body)
	}
	e.SetFault(emulator.JWKS, &emulator.Fault{Delay: 20 * time.Millisecond, Drip: 10 * time.Microsecond})
	began := time.Now()
	if a := call(t, "GET", keys, ""); a.body != good || time.Since(began) < 20*time.Millisecond {
		t.Errorf("slow: %q after %v", a.body, time.Since(began))
	}
	e.SetFault(emulator.JWKS, nil)
	if a := call(t, "GET", keys, ""); a.body != good {
		t.Errorf("healed: %d", a.status)
	}
	if got := e.Calls(emulator.JWKS); got != 7 {
		t.Errorf("counted %d calls, want 7", got)
	}

	auth := "Bearer " + signIn(t, e, user).str("id_token")
	e.SetFault(emulator.Upstream, &emulator.Fault{Status: 500})
	if a := iapGet(t, e, "/whoami", "Authorization", auth); a.status != 500 || marked(a) {
		t.Errorf("upstream fault: %d", a.status)
	}
	e.SetFault(emulator.IAP, &emulator.Fault{Status: 502})
	if a := iapGet(t, e, "/whoami"); a.status != 502 || e.Calls(emulator.IAP) != 2 || e.Calls(emulator.Upstream) != 1 {
		t.Errorf("IAP fault: %d", a.status)
	}
}

// wsaeconnreset is what Windows calls ECONNRESET, which is a number of Go's own there.
const wsaeconnreset = syscall.Errno(10054)

func TestFaultReset(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	e.SetFault(emulator.Token, &emulator.Fault{Reset: true})
	e.SetFault(emulator.IAP, &emulator.Fault{Reset: true})
	for _, where := range []string{e.GoogleURL() + "/token", e.IAPURL() + "/"} {
		_, err := plain().Do(newRequest(t, "POST", where, "a=b"))
		if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, wsaeconnreset) {
			t.Errorf("%s: %v, want a reset", where, err)
		}
	}
	if e.Calls(emulator.Token) != 1 {
		t.Errorf("counted %d calls", e.Calls(emulator.Token))
	}
}

// A hanging endpoint holds on until the client leaves, and does not keep Close from ending.
func TestFaultHang(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	e.SetFault(emulator.Token, &emulator.Fault{Hang: true})
	e.SetFault(emulator.IAP, &emulator.Fault{Hang: true})
	for _, where := range []string{e.GoogleURL() + "/token", e.IAPURL() + "/"} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		req := newRequest(t, "POST", where, "a=b").WithContext(ctx)
		if _, err := plain().Do(req); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want to hang", where, err)
		}
		cancel()
	}
	arrived := make(chan error, 1)
	go func() {
		_, err := plain().Do(newRequest(t, "POST", e.GoogleURL()+"/token", "a=b"))
		arrived <- err
	}()
	for e.Calls(emulator.Token) < 2 {
		time.Sleep(time.Millisecond)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-arrived:
		if err == nil {
			t.Error("the hanging call was answered")
		}
	case <-shortly(t).Done():
		t.Fatal("Close left a client hanging")
	}
}

func TestJournal(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	signIn(t, e, user)
	call(t, "GET", e.GoogleURL()+"/nowhere?a=b", "", "X-Own", "1")
	tokens := e.Requests(emulator.Token)
	if len(tokens) != 1 || tokens[0].Form.Get("code_verifier") != verifier || tokens[0].Method != "POST" || len(tokens[0].Query) != 0 {
		t.Errorf("token journal %+v", tokens)
	}
	all := e.Requests()
	last := all[len(all)-1]
	if last.Endpoint != emulator.NotFound || last.Query.Get("a") != "b" || last.Header.Get("X-Own") != "1" || last.Path != "/nowhere" {
		t.Errorf("last entry %+v", last)
	}
	e.ResetCalls()
	if len(e.Requests()) != 0 || e.Calls(emulator.Token) != 0 || e.TokenCalls("authorization_code") != 0 {
		t.Error("not reset")
	}
}

// The log has no query, header or body.
func TestLogHasNoSecrets(t *testing.T) {
	t.Parallel()
	var out emulatortest.Log
	e := start(t, emulator.Options{Logger: out.Logger()})
	tokens := signIn(t, e, user)
	refresh(t, e, tokens.str("refresh_token"))
	iapGet(t, e, "/whoami?token=in-the-query", "Authorization", "Bearer "+tokens.str("id_token"))
	log := out.String()
	if !strings.Contains(log, "/token") || !strings.Contains(log, "/whoami") {
		t.Fatalf("log %q", log)
	}
	for _, secret := range []string{tokens.str("id_token"), tokens.str("refresh_token"), tokens.str("access_token"), verifier,
		"the-state", "the-nonce", e.Clients()[0].Secret, "in-the-query"} {
		if strings.Contains(log, secret) {
			t.Error("the log has a secret")
		}
	}
}
