package proxy

import (
	"net/http"
	"strings"
)

// location rewrites the address of a redirect, so that it stays here when it leads
// to one of the targets. base is the path that showed the secret, or empty.
func (h *handler) location(value string, s *site, t *target, base string) string {
	if strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//") {
		return base + t.prefix + value
	}
	absolute := value
	if strings.HasPrefix(value, "//") {
		absolute = t.scheme + ":" + value
	}
	origin, rest, ok := splitOrigin(absolute)
	if !ok {
		return value
	}
	for _, to := range h.targets {
		// Services behind a load balancer often write http for themselves.
		if origin != to.origin() && origin != "http://"+to.host {
			continue
		}
		if here, ok := s.local(to); ok {
			return s.origin + base + strings.TrimPrefix(here, s.origin) + rest
		}
		if there := h.elsewhere(to); there != "" {
			return there + base + rest
		}
	}
	return value
}

// elsewhere is the address of a target that another Host has.
func (h *handler) elsewhere(t *target) string {
	if t.name != "" {
		return h.names[t.name]
	}
	return h.url + t.prefix
}

// rewriteCookies makes the cookies of an answer work here.
func rewriteCookies(header http.Header, path string) {
	lines := header["Set-Cookie"]
	kept := lines[:0]
	for _, line := range lines {
		if !strings.HasPrefix(strings.TrimSpace(line), cookiePrefix) {
			kept = append(kept, rewriteCookie(line, path))
		}
	}
	header["Set-Cookie"] = kept
	if len(kept) == 0 {
		delete(header, "Set-Cookie")
	}
}

// rewriteCookie takes off what binds a cookie to the service's domain and to https
// (RFC 6265 section 4.1.2), and puts path before its path. Cookies of which the
// name promises Secure keep it: browsers take it from loopback, and take
// them without it from nobody.
func rewriteCookie(line, path string) string {
	pair, rest, found := strings.Cut(line, ";")
	if !found {
		return line
	}
	name := strings.ToLower(strings.TrimSpace(pair))
	promised := strings.HasPrefix(name, "__host-") || strings.HasPrefix(name, "__secure-")
	var b strings.Builder
	b.WriteString(pair)
	for attribute := range strings.SplitSeq(rest, ";") {
		attribute = strings.TrimSpace(attribute)
		key, value, _ := strings.Cut(attribute, "=")
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		switch {
		case key == "domain":
			continue
		case key == "secure" || key == "partitioned" || key == "samesite" && strings.EqualFold(value, "none"):
			if !promised {
				continue
			}
		case key == "path" && strings.HasPrefix(value, "/") && !strings.HasPrefix(name, "__host-"):
			attribute = "Path=" + path + value
		}
		b.WriteString("; " + attribute)
	}
	return b.String()
}

// rewriteReferer gives the service the address that it knows a page by, and keeps
// what is the proxy's own out of it: secret is the path that shows the secret.
func rewriteReferer(header http.Header, s *site, t *target, secret string) {
	lines, ok := header["Referer"]
	if !ok {
		return
	}
	delete(header, "Referer") // of another target, or of nobody's business
	rest, ok := strings.CutPrefix(lines[0], s.origin)
	if !ok || len(lines) > 1 {
		return
	}
	if secret != "" {
		rest = strings.TrimPrefix(rest, secret)
	}
	rest, ok = strings.CutPrefix(rest, t.prefix)
	if ok && strings.HasPrefix(rest, "/") && !strings.HasPrefix(rest, ownPath) {
		header["Referer"] = []string{t.origin() + rest}
	}
}
