// Package requestlog gives requests an ID and has them in a log: a line of package slog for
// each that failed, or for each. It is what a server of this machine has whose requests are
// its own; the proxy, which forwards those of others, has a log of its own of the same form.
//
// There is no name in a line, and nothing of a request but its method, its ID, and its path
// where the server knows that one.
package requestlog

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
	"github.com/tokentoss/tokentoss/plugins"
)

// Values of [Config.Log].
const (
	Errors = "errors" // what failed
	All    = "all"
	None   = "none"
)

// A Config is what a person sets.
type Config struct {
	Log     string `json:"log" about:"which requests are logged: errors, all or none"`
	LogFile string `json:"log_file" about:"where to; the terminal when missing"`
	JSON    bool   `json:"json" about:"log lines of JSON"`
}

// A Log is an open log.
type Log struct {
	all  bool
	log  *slog.Logger
	file *os.File // nil: there is none
}

// Discard returns a log of nothing. Its requests have their IDs.
func Discard() *Log { return &Log{log: slog.New(slog.DiscardHandler)} }

// Open opens the log that is configured. print shows a line on the terminal. The caller
// closes it, when no request is served any more.
func Open(c Config, print func(line string)) (*Log, error) {
	l := Discard()
	l.all = c.Log == All
	switch c.Log {
	case "", Errors, All:
	case None:
		return l, nil
	default:
		return nil, fmt.Errorf("%w: log is %s, %s or %s", plugins.ErrBadConfig, Errors, All, None)
	}
	var to io.Writer = lines(print)
	if c.LogFile != "" {
		path, err := privatefile.Resolve(c.LogFile, "")
		if err != nil {
			return nil, err
		}
		if l.file, err = privatefile.OpenLog(path); err != nil {
			return nil, err
		}
		to = l.file
	}
	if c.JSON {
		l.log = slog.New(slog.NewJSONHandler(to, nil))
	} else {
		l.log = slog.New(slog.NewTextHandler(to, nil))
	}
	return l, nil
}

// lines shows what a handler of package slog writes, a line at a time.
type lines func(line string)

// Write implements [io.Writer].
func (print lines) Write(p []byte) (int, error) {
	print(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

// Close closes the log's file.
func (l *Log) Close() {
	if l.file != nil {
		_ = l.file.Close()
	}
}

// A Scope is what a server's log may have of its requests.
type Scope struct {
	Paths   []string // those that may be logged; the others are "other"
	Secrets []string // which no ID may have in it
}

// A request is one that is being answered.
type request struct{ id, problem string }

type requestKey struct{}

// ID returns the ID of a request that comes by a [Log.Handler]; "" of others.
func ID(r *http.Request) string {
	if q, ok := r.Context().Value(requestKey{}).(*request); ok {
		return q.id
	}
	return ""
}

// Fail has the log say why a request failed, by a word that is the server's own. It is
// called before its handler returns.
func Fail(r *http.Request, problem string) {
	if q, ok := r.Context().Value(requestKey{}).(*request); ok {
		q.problem = problem
	}
}

// Handler serves h, and gives each request its ID: the client's, or a new one. The answer
// has it.
func (l *Log) Handler(h http.Handler, s Scope) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, began := &request{id: loopback.Identify(w, r, s.secret)}, time.Now()
		loopback.Observe(h, w, r.WithContext(context.WithValue(r.Context(), requestKey{}, q)), func(status int) {
			l.add(r, q, s, status, time.Since(began))
		})
	})
}

// secret tells whether a text has one of the secrets in it, in letters of either case.
func (s Scope) secret(text string) bool {
	return slices.ContainsFunc(s.Secrets, func(secret string) bool {
		return secret != "" && strings.Contains(strings.ToLower(text), strings.ToLower(secret))
	})
}

// add logs a request. The status of one that was cut off is 0.
func (l *Log) add(r *http.Request, q *request, s Scope, status int, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	case status >= http.StatusBadRequest || status == 0:
		level = slog.LevelWarn
	case !l.all:
		return
	}
	method, path := "other", "other"
	if slices.Contains(methods, r.Method) {
		method = r.Method
	}
	if slices.Contains(s.Paths, r.URL.Path) {
		path = r.URL.Path
	}
	attrs := []slog.Attr{
		slog.String("id", q.id), slog.String("method", method), slog.String("path", path), slog.Int("status", status),
		slog.Float64("ms", float64(took.Microseconds())/1000),
	}
	if q.problem != "" {
		attrs = append(attrs, slog.String("error", q.problem))
	}
	l.log.LogAttrs(context.WithoutCancel(r.Context()), level, "request", attrs...)
}

// methods are those of RFC 9110 and RFC 5789: a client may send any text in their place.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace,
}
