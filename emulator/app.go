package emulator

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// guarded returns what IAP stands in front of, and how to drop its idle connections.
func (e *Emulator) guarded() (http.Handler, func()) {
	if e.opts.Upstream == "" {
		return builtinApp(), func() {}
	}
	target, _ := url.Parse(e.opts.Upstream) // checked by withDefaults
	transport := newUpstreamTransport(target)
	streaming := httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1, // streams go through at once
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.Out.Host = p.In.Host                 // as Google's load balancer does
			p.Out.URL.RawQuery = p.In.URL.RawQuery // as it came, where ReverseProxy would drop what it cannot parse
			p.SetXForwarded()
		},
		ModifyResponse: func(resp *http.Response) error {
			resp.Header.Del("Date") // the answer has the emulator's already
			return nil
		},
		ErrorLog: slog.NewLogLogger(e.opts.Logger.Handler(), slog.LevelWarn),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxy := streaming
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			proxy.FlushInterval = 0 // a status alone must be one frame; what streams has no length, and is flushed all the same
		}
		proxy.ServeHTTP(w, r)
	}), transport.closeIdle
}

// upstreamTransport is HTTP/2 where the upstream speaks it, and HTTP/1.1 for what upgrades its connection.
type upstreamTransport struct{ usual, upgrading *http.Transport }

// newUpstreamTransport is for target, whose scheme it changes from h2c to http.
func newUpstreamTransport(target *url.URL) upstreamTransport {
	usual := http.DefaultTransport.(*http.Transport).Clone()
	usual.Proxy = nil               // the upstream is where it says it is
	usual.DisableCompression = true // bodies go through as they are
	usual.MaxIdleConnsPerHost = 64
	upgrading := usual.Clone()
	upgrading.Protocols = new(http.Protocols)
	upgrading.Protocols.SetHTTP1(true)
	if target.Scheme == "h2c" {
		target.Scheme = "http"
		usual.Protocols = new(http.Protocols)
		usual.Protocols.SetUnencryptedHTTP2(true)
	}
	return upstreamTransport{usual, upgrading}
}

// RoundTrip implements [http.RoundTripper].
func (t upstreamTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Upgrade") != "" {
		return t.upgrading.RoundTrip(r)
	}
	return t.usual.RoundTrip(r)
}

func (t upstreamTransport) closeIdle() {
	t.usual.CloseIdleConnections()
	t.upgrading.CloseIdleConnections()
}

// builtinApp is the guarded app when there is no upstream. Its answers never have IAP's marker.
func builtinApp() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/whoami", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{
			"email": appUser(r, "Email"), "sub": appUser(r, "Id"), "method": r.Method, "path": r.URL.Path})
	})
	mux.HandleFunc("/protected", func(w http.ResponseWriter, r *http.Request) {
		text(w, http.StatusOK, "Hello "+appUser(r, "Email")+", this page is protected by IAP.")
	})
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok") })
	mux.HandleFunc("/401", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="app"`)
		text(w, http.StatusUnauthorized, "The app itself says no: 401.")
	})
	mux.HandleFunc("/403", func(w http.ResponseWriter, _ *http.Request) {
		text(w, http.StatusForbidden, "The app itself says no: 403.")
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.URL.Query().Get("to"))
		w.WriteHeader(http.StatusFound)
	})
	mux.HandleFunc("/echo", appEcho)
	mux.HandleFunc("/stream", appStream)
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		text(w, http.StatusOK, "Try /whoami /protected /health /echo /redirect?to=URL /401 /403 /stream?n=10")
	})
	return mux
}

// appUser reads the guard's unsigned header, "Email" or "Id". A real app behind IAP verifies the signed one and reads that.
func appUser(r *http.Request, what string) string {
	if user := r.Header.Get("X-Goog-Authenticated-User-" + what); user != "" {
		return strings.TrimPrefix(user, "accounts.google.com:")
	}
	return r.Header.Get(guardHeaders[what])
}

func text(w http.ResponseWriter, status int, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, s)
}

// appEcho tells what arrived: the body as its length and SHA-256, headers without credentials, and which credentials
// there were.
func appEcho(w http.ResponseWriter, r *http.Request) {
	hash := sha256.New()
	n, err := io.Copy(hash, r.Body)
	if err != nil {
		text(w, http.StatusBadRequest, "The body was cut short.")
		return
	}
	secret := []string{"Authorization", "Cookie", "Proxy-Authorization", "X-Goog-Iap-Jwt-Assertion"}
	had := []string{}
	headers := r.Header.Clone()
	for _, name := range secret {
		if headers.Get(name) != "" {
			had = append(had, name)
			headers.Del(name)
		}
	}
	slices.Sort(had)
	writeJSON(w, http.StatusOK, map[string]any{
		"method": r.Method, "path": r.URL.Path, "query": r.URL.RawQuery, "host": r.Host,
		"protocol": r.Proto, "headers": headers,
		"credentials": had, "body_length": n, "body_sha256": hex.EncodeToString(hash.Sum(nil)),
	})
}

// appStream sends n server-sent events, one every "every" (10ms unless told).
func appStream(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("n"), "10"))
	every, err2 := time.ParseDuration(cmp.Or(r.URL.Query().Get("every"), "10ms"))
	if err != nil || err2 != nil || n < 0 {
		text(w, http.StatusBadRequest, "n is a number, every a duration such as 10ms.")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	for i := range n {
		if i > 0 && !pause(r.Context(), every) {
			return
		}
		if !sendEvent(r.Context(), w, control, i+1) {
			return
		}
	}
}

func sendEvent(ctx context.Context, w http.ResponseWriter, control *http.ResponseController, i int) bool {
	if _, err := fmt.Fprintf(w, "data: %d\n\n", i); err != nil {
		return false
	}
	return control.Flush() == nil && ctx.Err() == nil
}
