// Package proxyenv finds the forward proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY
// name.
//
// It is [http.ProxyFromEnvironment], but for a variable that is not the URL of a proxy:
// that one goes direct, or takes a part of the password for the name of the proxy, and
// says so in its errors. Here it is an error, which names the variable and never shows
// its value. Most often a character of the password must be escaped.
package proxyenv

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
)

// FromEnvironment is for the Proxy of an [http.Transport]. Its error is a
// [*fault.Error] of kind [fault.BadConfig].
func FromEnvironment(req *http.Request) (*url.URL, error) {
	if err := Check(req.URL); err != nil {
		return nil, err
	}
	return http.ProxyFromEnvironment(req)
}

// Check returns an error where the variable that names the proxy for requests to u is
// not the URL of a proxy, unless u needs none.
func Check(u *url.URL) error {
	names := []string{"HTTPS_PROXY", "https_proxy"}
	if strings.EqualFold(u.Scheme, "http") {
		names = []string{"HTTP_PROXY", "http_proxy"}
	}
	for _, name := range names {
		value := os.Getenv(name)
		if value == "" {
			continue
		}
		if Valid(value) || direct(u) {
			return nil // the first one that is set counts
		}
		return invalid(name)
	}
	return nil
}

// CheckAll returns an error where a variable that names a proxy, for whatever requests,
// is not the URL of one.
func CheckAll() error {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"} {
		if value := os.Getenv(name); value != "" && !Valid(value) {
			return invalid(name)
		}
	}
	return nil
}

func invalid(name string) error {
	return &fault.Error{Subject: "environment variable " + name, Problem: "it is not the URL of a proxy", Kind: fault.BadConfig,
		Remedy: fault.Say("write %s as http://USER:PASSWORD@HOST:PORT, and characters such as @, :, /, # and %% of a password as %%40, %%3A, %%2F, %%23 and %%25", name)}
}

// Valid tells whether value is the URL of a proxy, or HOST:PORT.
func Valid(value string) bool {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" && u.Scheme != "socks5h" {
		if strings.Contains(value, "://") {
			return false
		}
		if u, err = url.Parse("http://" + value); err != nil {
			return false
		}
	}
	// What follows the host is the rest of a password that is not escaped.
	if u.Opaque != "" || u.RawQuery != "" || u.ForceQuery || strings.ContainsAny(value, "#? \\") || u.Path != "" && u.Path != "/" {
		return false
	}
	return u.Hostname() != "" && !strings.HasSuffix(u.Host, ":")
}

// direct tells whether requests to u go to no proxy, as golang.org/x/net/http/httpproxy
// reads NO_PROXY.
func direct(u *url.URL) bool {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	ip, err := netip.ParseAddr(host)
	isIP := err == nil
	if host == "localhost" || isIP && ip.IsLoopback() {
		return true
	}
	list := os.Getenv("NO_PROXY")
	if list == "" {
		list = os.Getenv("no_proxy")
	}
	for _, entry := range strings.Split(list, ",") {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if entry == "*" {
			return true
		}
		if name, port, err := net.SplitHostPort(entry); err == nil {
			if port != u.Port() {
				continue
			}
			entry = name
		}
		prefix, err := netip.ParsePrefix(entry)
		name := strings.TrimPrefix(strings.TrimPrefix(entry, "*"), ".")
		switch {
		case entry == "":
		case err == nil && isIP && prefix.Contains(ip), entry == host:
			return true
		case !isIP && name != "" && (strings.HasSuffix(host, "."+name) || name == host && entry == name):
			return true
		}
	}
	return false
}
