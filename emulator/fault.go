package emulator

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"time"
)

// Fault is a way to fail. Delay comes first, then Reset, then Hang, then the answer. A Fault with no Status, Header or
// Body lets the endpoint answer as ever, only later (Delay) or slower (Drip).
type Fault struct {
	Status int // 200 when zero and Header or Body is set
	Header http.Header
	Body   []byte
	// Delay is waited before anything else; it ends early when the client leaves.
	Delay time.Duration
	// Hang never answers; it ends when the client leaves or the emulator is closed.
	Hang bool
	// Drip sends the body byte by byte, with this pause before each.
	Drip time.Duration
	// Reset drops the connection with a TCP RST instead of an answer; over HTTP/2, the stream with RST_STREAM.
	Reset bool
	// Times is how many calls meet the fault; 0 means all until it is cleared.
	Times int
}

// SetFault makes an endpoint fail; nil heals it. A new fault replaces the old one. A call that meets a fault counts.
// On [IAP] a fault answers before IAP looks at the request, and without IAP's marker unless Header has it.
func (e *Emulator) SetFault(endpoint Endpoint, f *Fault) {
	e.ledger.mu.Lock()
	defer e.ledger.mu.Unlock()
	if f == nil {
		delete(e.ledger.faults, endpoint)
		return
	}
	if e.ledger.faults == nil {
		e.ledger.faults = map[Endpoint]*plannedFault{}
	}
	e.ledger.faults[endpoint] = &plannedFault{Fault: *f, left: f.Times}
}

// meet plays the fault, falling back to next for the answer.
func (f *Fault) meet(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if !pause(r.Context(), f.Delay) {
		return
	}
	switch answers := f.Status != 0 || f.Header != nil || f.Body != nil; {
	case f.Reset:
		dropConnection(w)
	case f.Hang:
		// Only when the body is read to its end does the server notice that the client left.
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		dropConnection(w)
	default:
		if f.Drip > 0 {
			w = &dripper{ResponseWriter: w, ctx: r.Context(), pause: f.Drip}
		}
		if !answers {
			next.ServeHTTP(w, r)
			return
		}
		maps.Copy(w.Header(), f.Header)
		if f.Status != 0 {
			w.WriteHeader(f.Status)
		}
		_, _ = w.Write(f.Body)
	}
}

// dripper writes byte by byte.
type dripper struct {
	http.ResponseWriter
	ctx   context.Context
	pause time.Duration
}

func (d *dripper) Unwrap() http.ResponseWriter { return d.ResponseWriter }

func (d *dripper) Write(p []byte) (int, error) {
	control := http.NewResponseController(d.ResponseWriter)
	for i := range p {
		if !pause(d.ctx, d.pause) {
			return i, d.ctx.Err()
		}
		if _, err := d.ResponseWriter.Write(p[i : i+1]); err != nil {
			return i, err
		}
		if err := control.Flush(); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// pause waits for d and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// dropConnection ends the connection without an answer; linger 0 makes the system send RST. Over HTTP/2 it ends the stream alone.
func dropConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	switch {
	case errors.Is(err, http.ErrNotSupported):
		panic(http.ErrAbortHandler)
	case err != nil:
		return // the connection is gone already
	}
	if over, ok := conn.(*tls.Conn); ok {
		conn = over.NetConn() // without TLS's good-bye
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
