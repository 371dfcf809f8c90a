package proxy

import (
	"net/http"
	"strings"
)

// refuse finds why a request is not for this proxy, before anything else is done
// with it; nil is that it is. A request for a link of a browser may come from another site,
// such as a terminal in a page: the link is what it has to show.
func refuse(r *http.Request, s *site) *problem {
	switch {
	// What has a scheme or a host in its first line is for a forward proxy. The
	// name "*" of OPTIONS is no path either.
	case r.Method == http.MethodConnect || r.Method == http.MethodTrace || !strings.HasPrefix(r.RequestURI, "/"):
		return &problemNotForward
	case s == nil:
		return &problemHost
	case foreignOrigin(r.Header, s.origin), foreignSite(r.Header) && !isLink(r):
		return &problemCrossSite
	}
	return nil
}

// foreignOrigin tells whether a page of another origin made the request: of this
// host with another port, too.
func foreignOrigin(h http.Header, own string) bool {
	for _, v := range h["Origin"] {
		if !strings.EqualFold(v, own) {
			return true
		}
	}
	return false
}

// foreignSite is the same by what browsers say of requests that have no Origin,
// such as a link or an image (https://www.w3.org/TR/fetch-metadata/). Other clients
// than browsers say nothing.
func foreignSite(h http.Header) bool {
	for _, v := range h["Sec-Fetch-Site"] {
		if v != "same-origin" && v != "none" {
			return true
		}
	}
	return false
}

// isLink tells whether a browser goes to a link of ours, as its whole page.
func isLink(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasPrefix(r.RequestURI, openPath) &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// isBrowser goes by a header that all browsers send and pages cannot.
func isBrowser(h http.Header) bool { return len(h["Sec-Fetch-Mode"]) > 0 }

// rawPath is the path of a request as it came; query has its question mark.
func rawPath(uri string) (path, query string) {
	if i := strings.IndexByte(uri, '?'); i >= 0 {
		return uri[:i], uri[i:]
	}
	return uri, ""
}
