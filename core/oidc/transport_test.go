package oidc_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core/oidc"
)

// oddServer answers in ways that a Transport must not take. It returns how often a
// redirect was followed.
func oddServer(t *testing.T) (url string, followed *int) {
	followed = new(int)
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { *followed++ }))
	t.Cleanup(other.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
			w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
			_, _ = io.Copy(w, r.Body)
		case "/redirect":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		case "/oauth":
			w.WriteHeader(400)
			_, _ = io.WriteString(w, `{"error":"invalid_grant","error_description":"SECRET"}`)
		case "/api":
			w.WriteHeader(403)
			_, _ = io.WriteString(w, `{"error":{"code":403,"message":"SECRET","status":"PERMISSION_DENIED"}}`)
		case "/odd":
			w.WriteHeader(500)
			_, _ = io.WriteString(w, `{"error":{"status":"SECRET SECRET"}}`)
		case "/empty":
			w.WriteHeader(204)
		case "/long":
			_, _ = io.WriteString(w, strings.Repeat("x", 2<<20))
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, followed
}

// A flow's own requests have the rules of this package's: no redirect, no long
// answer, nothing of the answer in an error.
func TestTransport(t *testing.T) {
	t.Parallel()
	url, followed := oddServer(t)
	w := oidc.NewTransport(oidc.ProviderOptions{InsecureLoopback: true})
	client := w.Client("thing")
	res, err := client.Post(url+"/ok", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || string(body) != "hello" || w.Err() != nil || w.ClockOffset().Round(time.Minute) != time.Hour {
		t.Errorf("%q, %v, %v, offset %s", body, err, w.Err(), w.ClockOffset())
	}
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/redirect": {307, ""}, "/oauth": {400, "invalid_grant"}, "/api": {403, "permission_denied"}, "/odd": {500, ""}, "/empty": {204, ""}, "/long": {200, ""},
	} {
		_, err := client.Post(url+path, "text/plain", strings.NewReader("hello"))
		var pe *oidc.ProviderError
		if !errors.As(err, &pe) || pe.Status != want.status || pe.Code != want.code || pe.Endpoint != "thing" || w.Err() != error(pe) {
			t.Errorf("%s: %v (%+v)", path, err, pe)
		}
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: the error quotes the answer: %v", path, err)
		}
	}
	if *followed > 0 {
		t.Error("a redirect was followed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", url+"/ok", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Do(req); !errors.Is(err, context.Canceled) {
		t.Errorf("who left: %v", err)
	}
}

// Nobody is spoken to by plain http but who was named.
func TestTransportSpeaksHTTPToListedHosts(t *testing.T) {
	t.Parallel()
	url, _ := oddServer(t)
	other, _ := oddServer(t)
	strict := oidc.NewTransport(oidc.ProviderOptions{}).Client("thing")
	for _, url := range []string{url + "/ok", "http://example.com/", "http://localhost:1/", "ftp://example.com/"} {
		if _, err := strict.Get(url); err == nil || !strings.Contains(err.Error(), "will not be asked") {
			t.Errorf("%s: %v", url, err)
		}
	}
	plain := oidc.NewTransport(oidc.ProviderOptions{}, strings.TrimPrefix(url, "http://")).Client("thing")
	if _, err := plain.Get(url + "/ok"); err != nil {
		t.Errorf("a host that has no certificate: %v", err)
	}
	if _, err := plain.Get(other + "/ok"); err == nil {
		t.Error("another host by http")
	}
}
