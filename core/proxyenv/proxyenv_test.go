package proxyenv_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/proxyenv"
)

// The proxies that people have, and passwords that were not escaped.
func TestValid(t *testing.T) {
	for _, value := range []string{
		"http://proxy.corp.example:3128", "http://proxy.corp.example", "https://proxy:443/", "socks5://127.0.0.1:1080", "socks5h://p:1080",
		"proxy.corp.example:3128", "proxy", "10.0.0.1:3128", "[::1]:3128", "http://[fe80::1]:3128", "http://bob:secret@proxy:3128",
		"bob:secret@proxy:3128", "http://bob@proxy:3128", "http://bob:Winter%402026snow%23x@proxy.corp.example:3128", "HTTP://proxy:3128", "http://bob:a@b@proxy:3128",
	} {
		if !proxyenv.Valid(value) {
			t.Errorf("%s is not valid", value)
		}
	}
	for _, value := range []string{
		"http://bob:Winter@2026snow#x@proxy.corp.example:3128", "http://bob:a/b@proxy:3128", "http://bob:a?b@proxy:3128",
		"http://bob:a#b@proxy:3128", "http://bob:100%@proxy:3128", "bob:a#b@proxy:3128", "bob:a/b@proxy:3128", "http://bob:a b@proxy:3128", "http://",
		"http://proxy:port", "http://bob:se:cr/et@proxy", "ftp://proxy:21", "http://:3128", "http://proxy:", "http://a\\b@proxy:3128", "http://bob:x]@proxy", "http://proxy:3128/path",
	} {
		if proxyenv.Valid(value) {
			t.Errorf("%s is valid", value)
		}
	}
}

// A variable that is not the URL of a proxy is named, its value is not shown, and the
// request does not go direct; unless it needs no proxy.
func TestVariableThatIsNoProxy(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"} {
		t.Setenv(name, "")
	}
	ask := func(target string) error {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		_, err = proxyenv.FromEnvironment(&http.Request{URL: u})
		return err
	}
	const value = "http://bob:Winter@2026snow#x@proxy.corp.example:3128"
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		t.Setenv(name, value)
		err := ask("https://service.example/")
		if !errors.Is(err, fault.BadConfig) || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(name)) || fault.RemedyOf(err).Text == "" {
			t.Errorf("%s: %v", name, err)
		}
		for _, part := range []string{"bob", "Winter", "2026snow", "proxy.corp"} {
			if err != nil && strings.Contains(err.Error()+fault.RemedyOf(err).Text, part) {
				t.Errorf("%v shows %s", err, part)
			}
		}
		t.Setenv(name, "")
	}
	t.Setenv("HTTPS_PROXY", value)
	for _, target := range []string{"https://localhost/", "https://127.0.0.1:8443/", "https://[::1]/", "http://service.example/"} {
		if err := ask(target); err != nil {
			t.Errorf("%s: %v", target, err)
		}
	}
	for list, want := range map[string]bool{
		"*": true, "service.example": true, ".example": true, "example": true, "*.example": true, "other, service.example": true, "service.example:443": false,
		"ice.example": false, "other.example": false, "10.0.0.0/8": false,
	} {
		t.Setenv("NO_PROXY", list)
		if err := ask("https://service.example/"); (err == nil) != want {
			t.Errorf("NO_PROXY=%s: %v", list, err)
		}
	}
	t.Setenv("NO_PROXY", "10.0.0.0/8")
	if err := ask("https://10.1.2.3/"); err != nil {
		t.Error(err)
	}
}
