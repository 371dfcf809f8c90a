package proxy

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
	"github.com/tokentoss/tokentoss/plugins"
)

// logQueue is how many lines may wait to be written. A request never waits: what
// does not fit is counted, and the log says how many lines are missing.
const logQueue = 4096

// An accessLog writes a line for each request, or for those that failed. There is no
// header but X-Request-Id, and no value of a query in it.
type accessLog struct {
	all   bool
	lines chan entry // nil: no log
	lost  atomic.Int64
	done  sync.WaitGroup
}

// An entry is one request.
type entry struct {
	Time     time.Time `json:"time"`
	ID       string    `json:"id,omitempty"` // see loopback.RequestIDHeader
	Method   string    `json:"method"`
	Host     string    `json:"host"`
	Path     string    `json:"path"`
	Query    bool      `json:"query,omitempty"` // there was one
	Target   string    `json:"target,omitempty"`
	Status   int       `json:"status"` // 0: no answer
	Bytes    int64     `json:"bytes"`
	Millis   float64   `json:"ms"`
	Problem  string    `json:"error,omitempty"` // why the proxy answered itself
	CutShort bool      `json:"cut_short,omitempty"`
}

// String is the line for people.
func (e entry) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", e.Time.Format("15:04:05"), e.Method, e.Path)
	if e.Query {
		b.WriteString("?...")
	}
	fmt.Fprintf(&b, " %d %dB %.1fms", e.Status, e.Bytes, e.Millis)
	for _, s := range []string{e.Target, e.Problem} {
		if s != "" {
			b.WriteString(" " + s)
		}
	}
	if e.CutShort {
		b.WriteString(" cut short")
	}
	return b.String()
}

// startLog opens the log that is configured. close ends it, when all is written.
func (p *Proxy) startLog(ctx context.Context, redact func(string) string) (log *accessLog, end func(), err error) {
	log = &accessLog{all: p.config.Log == LogAll}
	sink := &logSink{ctx: ctx, json: p.config.JSON, terminal: p.opts.Terminal, redact: redact}
	if p.config.Log == LogNone || p.config.LogFile == "" && p.opts.Terminal == nil {
		return log, func() {}, nil
	}
	if p.config.LogFile != "" {
		path, err := privatefile.Resolve(p.config.LogFile, "")
		if err != nil {
			return nil, nil, err
		}
		f, err := privatefile.OpenLog(path)
		if err != nil {
			return nil, nil, err
		}
		sink.file, sink.buf = f, bufio.NewWriter(f)
	}
	log.lines = make(chan entry, logQueue)
	log.done.Go(func() { sink.write(log) })
	return log, func() { close(log.lines); log.done.Wait() }, nil
}

// add logs a request.
func (l *accessLog) add(x *requestState, failed bool) {
	if l.lines == nil || !failed && !l.all {
		return
	}
	e := entry{
		Time: x.began, ID: cmp.Or(x.id, loopback.RequestID(x.in.Header)), Method: x.in.Method, Host: x.in.Host, Path: x.path, Query: len(x.query) > 1, Status: x.status, Bytes: x.bytes,
		Millis: float64(time.Since(x.began).Microseconds()) / 1000, Problem: x.code, CutShort: !x.whole,
	}
	if x.target != nil {
		e.Target = x.target.label()
	}
	select {
	case l.lines <- e:
	default:
		l.lost.Add(1)
	}
}

// identify gives a request its name: the client's, or a new one, which the service and the client are told. Where only failures are
// logged, those that the proxy answers itself get one.
func (x *requestState) identify() {
	if x.handler.log.lines == nil || x.id != "" {
		return
	}
	x.id = loopback.Identify(x, x.in, x.handler.auth.traces.in)
}

// A logSink is where lines go.
type logSink struct {
	ctx      context.Context
	json     bool
	terminal plugins.Terminal
	redact   func(string) string
	file     *os.File
	buf      *bufio.Writer
}

// write writes until there are no more.
func (s *logSink) write(l *accessLog) {
	for e := range l.lines {
		s.line(e)
		if n := l.lost.Swap(0); n > 0 {
			s.line(entry{Time: time.Now(), Problem: fmt.Sprintf("%d lines are missing: too many requests at once", n)})
		}
		if s.buf != nil && len(l.lines) == 0 {
			_ = s.buf.Flush()
		}
	}
	if s.file != nil {
		_ = s.buf.Flush()
		_ = s.file.Close()
	}
}

func (s *logSink) line(e entry) {
	for _, field := range []*string{&e.ID, &e.Method, &e.Path, &e.Host} { // of any client
		*field = printable(s.redact(*field))
	}
	text := e.String()
	if s.json {
		line, _ := json.Marshal(e) // cannot fail
		text = string(line)
	}
	if s.buf != nil {
		_, _ = s.buf.WriteString(text + "\n")
		return
	}
	_ = s.terminal.Print(s.ctx, text)
}

// printable shows what a client sent in ASCII.
func printable(s string) string {
	if strings.Contains(s, "@") && !strings.HasPrefix(s, "/") {
		return "..." // an absolute address, which may hold a password
	}
	q := strconv.QuoteToASCII(s)
	return q[1 : len(q)-1]
}
