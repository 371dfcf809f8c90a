package proxy

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core"
)

// A target is one service: what is forwarded to it, and where that is.
type target struct {
	name   string // for NAME.localhost; else ""
	prefix string // beginning of the path, without a slash at its end; else ""
	scheme string
	host   string // with its port, if that is not the usual one
}

// origin is the service's, as pages have it.
func (t *target) origin() string { return t.scheme + "://" + t.host }

// label names the target to people.
func (t *target) label() string { return cmp.Or(t.name, t.prefix, t.host) }

// parseTargets reads [Config.Targets].
func parseTargets(list []string) ([]*target, error) {
	if len(list) == 0 {
		return nil, badConfig("there is no target: name the service, like https://app.example.com")
	}
	var targets []*target
	for _, s := range list {
		t, err := parseTarget(s)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(targets, func(o *target) bool { return o.name == t.name && o.prefix == t.prefix }) {
			return nil, badConfig("two targets have the address of %s: give one a name, like NAME=%s", t.origin(), t.origin())
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// parseTarget reads "URL", "NAME=URL" or "/PREFIX=URL". Errors do not show a URL,
// which may hold a password.
func parseTarget(s string) (*target, error) {
	t := &target{}
	place, address, found := strings.Cut(s, "=")
	switch {
	case !found || strings.Contains(place, "://"):
		address = s
	case strings.HasPrefix(place, "/"):
		t.prefix = strings.TrimRight(place, "/")
		if err := checkPrefix(t.prefix); err != nil {
			return nil, err
		}
	default:
		t.name = strings.ToLower(place)
		if err := core.CheckKey(t.name); err != nil || strings.ContainsAny(t.name, "._") {
			return nil, badConfig("%q cannot be the name of a target: use letters, digits and hyphens", place)
		}
	}
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, badConfig("a target is not a URL like https://app.example.com")
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, badConfig("the target %s://%s has a path: leave it out here, and ask the proxy for it", u.Scheme, u.Host)
	}
	origin, _, ok := splitOrigin(address)
	if !ok || u.Scheme != "https" && u.Scheme != "http" {
		return nil, badConfig("a target is not a URL like https://app.example.com")
	}
	t.scheme, t.host, _ = strings.Cut(origin, "://")
	return t, nil
}

// checkPrefix refuses what a path cannot begin with, or would begin with by chance.
func checkPrefix(prefix string) error {
	for segment := range strings.SplitSeq(strings.TrimPrefix(prefix, "/"), "/") {
		plain := strings.IndexFunc(segment, func(r rune) bool {
			return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.')
		}) < 0
		if !plain || strings.Trim(segment, ".") == "" {
			return badConfig("%q cannot be the path of a target: use letters, digits and hyphens, like /api", prefix)
		}
	}
	return nil
}

// splitOrigin takes the origin off an absolute URL: in lower case, without a usual
// port. rest is what follows, as it was.
func splitOrigin(s string) (origin, rest string, ok bool) {
	scheme, after, found := strings.Cut(s, "://")
	if !found {
		return "", "", false
	}
	host := after
	if end := strings.IndexAny(after, `/?#\`); end >= 0 {
		host, rest = after[:end], after[end:]
	}
	if host == "" || strings.ContainsAny(host, "@ ") {
		return "", "", false
	}
	scheme, host = strings.ToLower(scheme), strings.ToLower(host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return scheme + "://" + host, rest, true
}

// A site is what is served for one Host header.
type site struct {
	origin   string    // that its pages have
	root     *target   // or nil
	prefixes []*target // longest first
}

// route finds the target of a path, and what is left of the path. bare tells that
// the path is the prefix itself, without the slash that relative links need.
func (s *site) route(path string) (t *target, rest string, bare bool) {
	for _, t := range s.prefixes {
		if rest, ok := strings.CutPrefix(path, t.prefix); ok && (rest == "" || rest[0] == '/') {
			return t, rest, rest == ""
		}
	}
	return s.root, path, false
}

// local returns the address of a target here, without a slash at its end.
func (s *site) local(t *target) (address string, ok bool) {
	if s.root == t || slices.Contains(s.prefixes, t) {
		return s.origin + t.prefix, true
	}
	return "", false
}

// siteOf is what is served at a host of the proxy itself.
func siteOf(host string, targets []*target) *site {
	s := &site{origin: "http://" + host}
	for _, t := range targets {
		switch {
		case t.prefix != "":
			s.prefixes = append(s.prefixes, t)
		case t.name == "":
			s.root = t
		}
	}
	slices.SortFunc(s.prefixes, func(a, b *target) int { return len(b.prefix) - len(a.prefix) })
	return s
}

// lookup finds the site of a Host header.
func lookup(m map[string]*site, host string) *site {
	if s := m[host]; s != nil {
		return s
	}
	return m[strings.ToLower(host)]
}

func badConfig(format string, args ...any) error {
	return fmt.Errorf("proxy: %w: "+format, append([]any{errBadConfig}, args...)...)
}
