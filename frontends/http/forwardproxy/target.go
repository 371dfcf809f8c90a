package forwardproxy

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
)

// A target is a service that the token goes to.
type target struct {
	host string // in lower case, without a final dot; an address without brackets
	port string
}

// origin is the target as a URL.
func (t *target) origin() string { return "https://" + t.authority() }

// authority is what a URL has: the port is left out where it is the usual one.
func (t *target) authority() string {
	if t.port != "443" {
		return net.JoinHostPort(t.host, t.port)
	}
	if strings.Contains(t.host, ":") {
		return "[" + t.host + "]"
	}
	return t.host
}

// parseTarget reads a target. What else is wrong with it, the transport finds.
func parseTarget(raw string) (*target, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return nil, &fault.Error{Subject: "a target", Kind: fault.Usage, Problem: "it is not the URL of a service", Remedy: fault.Say("a URL is like https://my-service.run.app")}
	}
	if !strings.EqualFold(u.Scheme, "https") {
		return nil, &fault.Error{
			Subject: u.Scheme + "://" + u.Host, Kind: fault.Usage, Problem: "a target of a run is https",
			Remedy: fault.Say("use https://%s; an emulator has it with --tls", u.Host),
		}
	}
	t := &target{host: normal(u.Hostname()), port: u.Port()}
	if t.port == "" {
		t.port = "443"
	}
	return t, nil
}

// normal is a host in the form in which hosts are compared.
func normal(host string) string {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().String()
	}
	host = strings.TrimSuffix(host, ".")
	for i := range len(host) {
		if host[i] >= 0x80 {
			return host // whose lower case may be another name
		}
	}
	return strings.ToLower(host)
}

// splitAuthority splits the authority of a request into a normal host and a port, which
// is usual where none is given.
func splitAuthority(authority, usual string) (host, port string, err error) {
	host, port, err = net.SplitHostPort(authority)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(authority, "["), "]"), usual
	}
	if host == "" || port == "" || strings.ContainsAny(host, "[]@/ ") {
		return "", "", fmt.Errorf("%q is not HOST:PORT", authority)
	}
	return normal(host), port, nil
}

// find returns the target of an authority, or nil. Without a usual port, one must be
// named.
func (p *Proxy) find(authority, usual string) *target {
	host, port, err := splitAuthority(authority, usual)
	if err != nil {
		return nil
	}
	return p.targets[net.JoinHostPort(host, port)]
}
