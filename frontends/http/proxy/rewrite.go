package proxy

import (
	"net/http"
	"strings"
)

// rewriteResponse makes the addresses in the headers of an answer lead here where they
// lead to one of the targets.
func (x *requestState) rewriteResponse(h http.Header) {
	here := func(address string) string { return x.handler.location(address, x.site, x.target, x.base) }
	for _, name := range []string{"Location", "Content-Location"} {
		rewriteEach(h[name], here)
	}
	rewriteEach(h["Link"], func(v string) string { return rewriteLinks(v, here) })
	rewriteEach(h["Refresh"], func(v string) string { return rewriteRefresh(v, here) })
}

// rewriteRequest gives the service the addresses that it knows, in headers that have
// some.
func (x *requestState) rewriteRequest(h http.Header) {
	if _, ok := h["Origin"]; ok { // this site's own, or one that was let in
		h["Origin"] = []string{x.target.origin()}
	}
	rewriteReferer(h, x.site, x.target, x.handler.auth.path)
	rewriteEach(h["Destination"], x.address) // RFC 4918 section 10.3
	rewriteEach(h["If"], func(v string) string { return rewriteLinks(v, x.address) })
}

func rewriteEach(values []string, rewrite func(string) string) {
	for i, v := range values {
		values[i] = rewrite(v)
	}
}

// rewriteLinks rewrites the addresses in angle brackets, which are not in quotes: of
// Link (RFC 8288 section 3) and of WebDAV's If (RFC 4918 section 10.4).
func rewriteLinks(value string, rewrite func(string) string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(value); i++ {
		end := -1
		switch c := value[i]; {
		case quoted && c == '\\' && i+1 < len(value):
			b.WriteByte(c)
			i++
		case c == '"':
			quoted = !quoted
		case c == '<' && !quoted:
			end = strings.IndexByte(value[i:], '>')
		}
		if end < 0 {
			b.WriteByte(value[i])
			continue
		}
		b.WriteString("<" + rewrite(value[i+1:i+end]) + ">")
		i += end
	}
	return b.String()
}

// rewriteRefresh rewrites the address of "5; url=ADDRESS", with or without quotes.
func rewriteRefresh(value string, rewrite func(string) string) string {
	end := strings.IndexAny(value, ";,")
	if end < 0 {
		return value
	}
	before, address := value[:end+1], strings.TrimLeft(value[end+1:], " ")
	before += strings.Repeat(" ", len(value)-len(before)-len(address))
	if name, rest, ok := strings.Cut(address, "="); ok && strings.EqualFold(strings.TrimSpace(name), "url") {
		before, address = before+name+"=", strings.TrimSpace(rest)
	}
	quote := ""
	if strings.HasPrefix(address, `"`) || strings.HasPrefix(address, "'") {
		quote = address[:1]
		address, _, _ = strings.Cut(address[1:], quote)
	}
	return before + quote + rewrite(address) + quote
}

// address is what location undoes: of an address here, the one that the service knows.
// Others are left as they are.
func (x *requestState) address(value string) string {
	site, path := x.site, value
	if !strings.HasPrefix(value, "/") || strings.HasPrefix(value, "//") {
		origin, rest, ok := splitOrigin(value)
		host, plain := strings.CutPrefix(origin, "http://")
		if site = lookup(x.handler.sites, host); !ok || !plain || site == nil {
			return value
		}
		path = rest
	}
	path = x.handler.auth.traces.clean(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	t, rest, _ := site.route(path)
	switch {
	case t == nil:
		return value
	case rest == "":
		rest = "/"
	}
	if strings.HasPrefix(value, "/") && t == x.target {
		return rest
	}
	return t.origin() + rest
}

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
