package childenv

import (
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/plugins/environment"
)

// proxyVariables name the proxy for programs; of some, the form in capitals is not read,
// of others the one without. Python's read one for each scheme, that of WebSockets too;
// Yarn reads its own alone.
var proxyVariables = []string{
	"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "WSS_PROXY", "wss_proxy", "YARN_HTTPS_PROXY",
}

// ownProxyVariables are those of one program, which count more than the others. They are
// set where they were.
var ownProxyVariables = []string{"grpc_proxy", "CARGO_HTTP_PROXY", "PIP_PROXY", "npm_config_proxy", "npm_config_http_proxy", "npm_config_https_proxy"}

// exceptions name what is reached without the proxy.
var exceptions = []string{"NO_PROXY", "no_proxy", "no_grpc_proxy", "npm_config_noproxy"}

// proxies leads programs to the proxy.
func (b *builder) proxies() {
	for _, name := range proxyVariables {
		b.Set[name] = b.Proxy
	}
	for _, name := range ownProxyVariables {
		if b.get(name) != "" {
			b.Set[name] = b.Proxy
		}
	}
	for i, name := range exceptions {
		list := b.get(name)
		same := func(other string) bool { return environment.Is(other, name) }
		if list == "" || slices.ContainsFunc(exceptions[:i], same) {
			continue
		}
		kept := slices.DeleteFunc(entries(list), func(entry string) bool {
			covers := slices.ContainsFunc(b.Targets, func(u *url.URL) bool { return covers(entry, u) })
			if covers {
				b.Notes = append(b.Notes, name+" has no "+entry+" for the command: a target is among it")
			}
			return covers
		})
		b.Set[name] = strings.Join(kept, ",")
	}
	b.Set["NODE_USE_ENV_PROXY"] = "1"
}

// entries splits a list as the most lenient programs do.
func entries(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
}

// covers tells whether some program takes entry to mean the host of u. They differ: to
// some, example.com means the hosts below it, too.
func covers(entry string, u *url.URL) bool {
	entry = strings.ToLower(entry)
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	port := u.Port()
	if port == "" {
		port = "443"
	}
	if name, number, err := net.SplitHostPort(entry); err == nil {
		if number != port {
			return false
		}
		entry = name
	}
	entry = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]"), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		if prefix, err := netip.ParsePrefix(entry); err == nil {
			return prefix.Contains(ip.Unmap())
		}
		if other, err := netip.ParseAddr(entry); err == nil {
			return other.Unmap() == ip.Unmap()
		}
	}
	name := strings.TrimPrefix(strings.TrimPrefix(entry, "*"), ".")
	if entry == "*" || name != "" && (host == name || strings.HasSuffix(host, "."+name)) {
		return true
	}
	matched, err := path.Match(entry, host)
	return err == nil && matched
}
