// Package metrics tells a monitoring system how a server of this machine fares: whether it is there, whether it can give tokens, and
// how many requests, refreshes and failures there were. It has an address of its own, which is off unless it is asked for.
//
// Nothing that it answers has a name, an address or a secret in it, and nothing there leads to a token.
package metrics

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
	"github.com/tokentoss/tokentoss/plugins"
)

// asking is how long a question about the session may take.
const asking = 5 * time.Second

// A Monitor counts, and answers at an address of its own. A nil Monitor does nothing, and is what there is where none is wanted.
type Monitor struct {
	listen, bearerFile string
	log                *slog.Logger

	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	tokens    prometheus.Counter
	refreshes prometheus.Counter
	failures  *prometheus.CounterVec

	mu       sync.Mutex
	app      core.App
	issuedAt time.Time // of the last token
	expiry   time.Time
	newest   uint64 // its generation
	server   *loopback.Server
}

// New returns a Monitor that will answer at listen: HOST:PORT, of which other machines may be let in, or unix:PATH. Who asks for
// metrics there has the word in bearerFile, which a socket may do without. Without listen there is none.
func New(listen, bearerFile string, log *slog.Logger) (*Monitor, error) {
	if listen == "" {
		if bearerFile != "" {
			return nil, badConfig("metrics_bearer_file needs metrics_listen")
		}
		return nil, nil
	}
	m := &Monitor{listen: listen, bearerFile: bearerFile, log: log, registry: prometheus.NewRegistry()}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if bearerFile == "" && !strings.HasPrefix(listen, "unix:") && !loopback.IsGiven(listen) {
		return nil, errNoBearer
	}
	if _, err := m.bearer(); err != nil {
		return nil, err
	}
	m.define()
	return m, nil
}

// errNoBearer is that an address is not a Unix socket, and has no word.
var errNoBearer = badConfig("metrics_listen wants metrics_bearer_file, with the word that who asks has")

func badConfig(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{plugins.ErrBadConfig}, args...)...)
}

// define makes what is counted.
func (m *Monitor) define() {
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tokentoss_requests_total", Help: "Requests that were answered, by status code."}, []string{"code"})
	m.tokens = prometheus.NewCounter(prometheus.CounterOpts{Name: "tokentoss_tokens_total", Help: "Times that the session gave an ID token."})
	m.refreshes = prometheus.NewCounter(prometheus.CounterOpts{Name: "tokentoss_refreshes_total", Help: "ID tokens that were newer than the one before: refreshes and sign-ins, of any process."})
	m.failures = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tokentoss_failures_total", Help: "Times that the session could not give a token, by the kind of fault."}, []string{"kind"})
	m.registry.MustRegister(m.requests, m.tokens, m.refreshes, m.failures,
		m.gauge("tokentoss_token_age_seconds", "Seconds since the last ID token was issued; 0 before there is one.", func(now time.Time) float64 { return since(m.issuedAt, now) }),
		m.gauge("tokentoss_token_remaining_seconds", "Seconds until the last ID token expires; below 0 after that, 0 before there is one.", func(now time.Time) float64 { return -since(m.expiry, now) }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, row := range fault.Table() { // so that each is there before it happens
		m.failures.WithLabelValues(string(row.Kind))
	}
	m.requests.WithLabelValues(strconv.Itoa(http.StatusOK))
}

func (m *Monitor) gauge(name, help string, value func(now time.Time) float64) prometheus.GaugeFunc {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
		m.mu.Lock()
		defer m.mu.Unlock()
		return value(time.Now())
	})
}

func since(t, now time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return now.Sub(t).Seconds()
}

// bearer returns the word that is wanted, "" where none is.
func (m *Monitor) bearer() (string, error) {
	if m.bearerFile == "" {
		return "", nil
	}
	given, err := privatefile.ReadGiven(m.bearerFile)
	if err != nil {
		return "", err
	}
	data, err := given.Secret()
	if err != nil {
		return "", err
	}
	word := strings.TrimSpace(string(data))
	if len(word) < 16 || strings.ContainsAny(word, " \t\r\n") {
		return "", badConfig("%s has no word of 16 or more letters", m.bearerFile)
	}
	return word, nil
}

// Start listens, and answers until Stop is called. app is whose session it tells of; nil is nobody's.
func (m *Monitor) Start(ctx context.Context, app core.App) error {
	if m == nil {
		return nil
	}
	ls, err := loopback.Listen(ctx, loopback.Address{Text: m.listen, Expose: m.bearerFile != "", Unix: true})
	if err != nil {
		return err
	}
	if ls.Socket == "" && m.bearerFile == "" { // of a socket that was given, this is known only now
		ls.Close()
		return errNoBearer
	}
	m.mu.Lock()
	m.app = app
	m.mu.Unlock()
	m.server = loopback.NewServer(ctx, loopback.Options{BodyTimeout: 15 * time.Second, MaxConnections: 64, Log: m.log})
	m.server.Serve(ls, m.handler())
	return nil
}

// Stop ends it.
func (m *Monitor) Stop() {
	if m != nil && m.server != nil {
		m.server.Stop(time.Second)
	}
}

// handler answers /metrics to who has the word, and to everybody /healthz, that the process is there, and /readyz, whether it can
// give tokens.
func (m *Monitor) handler() http.Handler {
	mux := http.NewServeMux()
	scrape := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		word, err := m.bearer()
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case err != nil:
			m.log.Error("metrics are not given", "error", err)
			say(w, http.StatusServiceUnavailable, "the file with the word to show cannot be used: see the log")
		case word != "" && !loopback.SameKey(given, word):
			w.Header().Set("WWW-Authenticate", "Bearer")
			say(w, http.StatusUnauthorized, "metrics are for who shows the word of metrics_bearer_file: Authorization: Bearer WORD")
		default:
			loopback.Know(r)
			scrape.ServeHTTP(w, r)
		}
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), asking)
		defer cancel()
		m.mu.Lock()
		app := m.app
		m.mu.Unlock()
		if app == nil { // which has no session of its own
			say(w, http.StatusOK, "ok")
			return
		}
		switch st, err := app.Status(ctx); {
		case err != nil:
			say(w, http.StatusServiceUnavailable, string(fault.Of(err)))
		case st.State != core.SignedIn:
			say(w, http.StatusServiceUnavailable, string(st.State))
		default:
			say(w, http.StatusOK, "ok")
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		loopback.Protect(w.Header())
		mux.ServeHTTP(w, r)
	})
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}

// App counts what is asked of app.
func (m *Monitor) App(app core.App) core.App {
	if m == nil {
		return app
	}
	return &counted{app, m}
}

type counted struct {
	core.App
	monitor *Monitor
}

// IDToken implements [core.App].
func (c *counted) IDToken(ctx context.Context) (core.IDToken, error) {
	t, err := c.App.IDToken(ctx)
	c.monitor.given(t, err)
	return t, err
}

// Renew implements [core.App].
func (c *counted) Renew(ctx context.Context, stale core.IDToken) (core.IDToken, error) {
	t, err := c.App.Renew(ctx, stale)
	c.monitor.given(t, err)
	return t, err
}

// given counts a token, or why there is none.
func (m *Monitor) given(t core.IDToken, err error) {
	if err != nil {
		m.failures.WithLabelValues(string(fault.Of(err))).Inc()
		return
	}
	m.tokens.Inc()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.issuedAt.IsZero() && (t.Generation != m.newest || t.IssuedAt.After(m.issuedAt)) {
		m.refreshes.Inc()
	}
	m.issuedAt, m.expiry, m.newest = t.IssuedAt, t.Expiry, t.Generation
}

// Call counts a call of something else than HTTP by the status code that its error would have there.
func (m *Monitor) Call(err error) {
	if m == nil {
		return
	}
	code := http.StatusOK
	if err != nil {
		kind := fault.Of(err)
		code = kind.Row().HTTP
		m.failures.WithLabelValues(string(kind)).Inc()
	}
	m.requests.WithLabelValues(strconv.Itoa(code)).Inc()
}

// Handler counts the requests of h, by the status codes of their answers. The code of one that was cut off is 0.
func (m *Monitor) Handler(h http.Handler) http.Handler {
	if m == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		loopback.Observe(h, w, r, func(code int) { m.requests.WithLabelValues(strconv.Itoa(code)).Inc() })
	})
}
