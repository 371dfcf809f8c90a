package iap_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap"
)

// A signedIn stands for a core.Session, whose tokens these examples do not need
// to be real.
type signedIn struct{}

func (signedIn) IDToken(context.Context) (core.IDToken, error) {
	return core.IDToken{Value: "first-token", Email: "ada@example.com", Audience: "client-id", Generation: 1}, nil
}

func (signedIn) Renew(context.Context, core.IDToken) (core.IDToken, error) {
	return core.IDToken{Value: "second-token", Email: "ada@example.com", Audience: "client-id", Generation: 2}, nil
}

func ExampleNewClient() {
	service := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello,", r.Header.Get("Authorization"))
	}))
	defer service.Close()

	// Only so that this example trusts its own server.
	usual := http.DefaultTransport
	http.DefaultTransport = service.Client().Transport
	defer func() { http.DefaultTransport = usual }()

	client, err := iap.NewClient(signedIn{}, service.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.CloseIdleConnections()
	resp, err := client.Get(service.URL + "/data")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Print(string(body))

	_, err = client.Get("https://elsewhere.example/")
	var oe *iap.OriginError
	fmt.Println("elsewhere is refused:", errors.As(err, &oe))
	// Output:
	// hello, Bearer first-token
	// elsewhere is refused: true
}

func ExampleRefusedError() {
	// A proxy that accepts neither the token nor a newer one.
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Goog-IAP-Generated-Response", "true")
		http.Error(w, "Invalid IAP credentials: Invalid JWT audience", http.StatusUnauthorized)
	}))
	defer service.Close()

	transport, err := iap.NewTransport(signedIn{}, iap.Options{Origins: []string{service.URL}, InsecureLoopback: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport}
	defer client.CloseIdleConnections()
	_, err = client.Get(service.URL)
	var refused *iap.RefusedError
	if errors.As(err, &refused) {
		fmt.Println(refused.StatusCode, refused.Email, refused.Renewed)
		fmt.Println(refused.Reason)
	}
	// Output:
	// 401 ada@example.com true
	// Invalid JWT audience
}
