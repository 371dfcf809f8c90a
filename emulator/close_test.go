package emulator_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Close ends idle, half-open and busy connections and leaves no goroutine. Not parallel: it looks at all goroutines.
func TestCloseLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	e, err := emulator.Start(context.Background(), emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	auth := "Bearer " + signIn(t, e, user).str("id_token")
	idle, err := net.Dial("tcp", e.GoogleURL()[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	req := newRequest(t, "GET", e.IAPURL()+"/stream?n=1000000&every=1ms", "")
	req.Header.Set("Authorization", auth)
	resp, err := plain().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("the stream came to a good end")
	}
	resp.Body.Close()
	if err := e.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := plain().Get(e.GoogleURL()); err == nil {
		t.Error("still listening")
	}
	goleak.VerifyNone(t, before)
}

func TestContextCloses(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	e, err := emulator.Start(ctx, emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	deadline := time.Now().Add(20 * time.Second)
	for {
		conn, err := net.Dial("tcp", e.IAPURL()[len("http://"):])
		if err != nil {
			break
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("still listening after its context ended")
		}
		time.Sleep(time.Millisecond)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if _, err := emulator.Start(ctx, emulator.Options{}); err == nil {
		t.Error("started with an ended context")
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for want, opts := range map[string]emulator.Options{
		"host:port":      {Listen: "127.0.0.1"},
		"upstream":       {Upstream: "localhost:80"},
		"e-mail address": {Accounts: []emulator.Account{{Email: "ada"}}},
		"twice":          {ClientID: "a", Clients: []emulator.Client{{ID: "a", Secret: "s"}}},
		"a secret":       {Clients: []emulator.Client{{ID: "a"}}},
		"unknown type":   {Clients: []emulator.Client{{ID: "a", Secret: "s", Type: "ios"}}},
	} {
		if _, err := emulator.Start(t.Context(), opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", opts, err, want)
		}
	}
	e := start(t, emulator.Options{Listen: "localhost:0"})
	if !strings.HasPrefix(e.GoogleURL(), "http://localhost:") || !strings.HasPrefix(e.IAPURL(), "http://localhost:") {
		t.Errorf("URLs %s %s", e.GoogleURL(), e.IAPURL())
	}
	if resp, err := plain().Head(e.GoogleURL() + "/.well-known/openid-configuration"); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("discovery: %v", err)
	}
	_, port, _ := strings.Cut(e.IAPURL()[len("http://"):], ":")
	if _, err := emulator.Start(t.Context(), emulator.Options{IAPListen: "localhost:" + port}); err == nil {
		t.Error("two emulators listen on one port")
	}
}
