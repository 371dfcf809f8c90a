package core_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// Sign a person in, and call a service behind Identity-Aware Proxy. Here an
// emulator is Google, the proxy and the service; with the real ones there is no
// InsecureLoopback, the secrets are the content of client_secrets.json, and the
// store is one that keeps, such as that of module stores/file.
func Example() {
	ctx := context.Background()
	google := must(emulator.Start(ctx, emulator.Options{AutoConsent: "ada@example.com"}))
	defer google.Close()

	secrets := must(oidc.ParseClientSecrets(google.ClientSecrets()))
	client := must(oidc.NewClient(secrets, oidc.ProviderOptions{InsecureLoopback: true}))
	session := must(core.NewSession(core.SessionOptions{Client: client, Store: &mapStore{}, Flow: authcode.New(authcode.Options{})}))
	defer session.Close()
	status := must(session.SignIn(ctx, core.PrompterFunc(openBrowser)))
	fmt.Println(status.State, status.Email)

	transport := must(iap.NewTransport(session, iap.Options{Origins: []string{google.IAPURL()}, InsecureLoopback: true}))
	resp := must((&http.Client{Transport: transport}).Get(google.IAPURL() + "/whoami"))
	defer resp.Body.Close()
	var who struct{ Email string }
	fmt.Println(json.NewDecoder(resp.Body).Decode(&who), who.Email)
	// Output:
	// signed_in ada@example.com
	// <nil> ada@example.com
}

// openBrowser is a Prompter. A real one would show p.URL to the person, or start
// a browser; this one is the browser, of a person who agrees to everything.
func openBrowser(_ context.Context, p core.Prompt) (answer string, err error) {
	resp, err := http.Get(p.URL)
	if err != nil {
		return "", err
	}
	return "", resp.Body.Close()
}

// must keeps the example short.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
