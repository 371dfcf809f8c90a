package greeter

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tokentoss/tokentoss/core/googleid/guard"
	"github.com/tokentoss/tokentoss/emulator"
)

// greeter greets whom IAP vouches for. It is the service under test.
func greeter(options guard.Options) (http.Handler, error) {
	g, err := guard.New(options)
	if err != nil {
		return nil, err
	}
	return g.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "Hello ", guard.From(r.Context()).Email)
	})), nil
}

func TestGreeter(t *testing.T) {
	service := httptest.NewUnstartedServer(nil)
	e, err := emulator.Start(t.Context(), emulator.Options{Upstream: "http://" + service.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	service.Config.Handler, err = greeter(guard.Options{
		Audiences: []string{e.AssertionAudience()}, KeysURL: e.AssertionKeysURL(), InsecureLoopback: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	service.Start()
	defer service.Close()
	token, err := e.IDToken("user@example.com")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		url, token string
		want       int
	}{
		{e.IAPURL(), token, 200},
		{e.IAPURL(), "", 401},
		{e.IAPURL() + "/?gcp-iap-mode=SECURE_TOKEN_TEST&iap-secure-token-test-type=SIGNATURE", token, 403},
		{service.URL, token, 403}, // past IAP
	} {
		r, _ := http.NewRequest("GET", test.url, nil)
		r.Header.Set("X-Requested-With", "XMLHttpRequest") // a program, not a browser
		r.Header.Set("Authorization", "Bearer "+test.token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != test.want {
			t.Errorf("%s: %s, want %d", test.url, resp.Status, test.want)
		}
	}
}
