package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"sync"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/profile"
)

// Protocol is what this package speaks.
const Protocol = "tokentoss.rpc/1"

const (
	// maxPending is how many requests may be under way. More are read when one is
	// answered.
	maxPending = 256

	// maxSessions is how many sessions may be open.
	maxSessions = 512
)

// A Host is the program that serves.
type Host struct {
	// Version is the program's.
	Version string

	// Dir is the configuration directory. Profile and Store are those of sessions
	// that name none; empty means what the settings say.
	Dir, Profile, Store string

	// RemoteHint tells the client that the person's browser is likely not to reach
	// this machine.
	RemoteHint bool

	// OpenStore opens a store that is not the file store, and asks nobody anything.
	// Without it there is none.
	OpenStore func(ctx context.Context, name string, p profile.Place) (core.TokenStore, error)

	// OpenFlow opens the flow of a machine's profile. Without it there is none.
	OpenFlow func(s profile.Settings, p profile.Place) (core.Flow, error)

	// Frontend opens the frontend "notebook" for the views of a session. Each line
	// that it reads of the terminal, and each that it prints, is a message.
	Frontend func(p *profile.Profile, t plugins.Terminal) (core.Frontend, error)

	// Log gets what happens, never a secret. Nil discards.
	Log *slog.Logger
}

// Serve answers the requests in r on w until there are none, ctx ends, or the
// client asks it to end. None of these is an error. It returns when all that it
// began has ended. r is closed then if it is an [io.Closer]; a read of another that
// is under way goes on until it returns. The same goes for a write of w that hangs
// since the client reads nothing.
func Serve(ctx context.Context, r io.Reader, w io.Writer, h Host) error {
	if h.Log == nil {
		h.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &server{
		host: h, ctx: ctx, stop: cancel, out: newOut(ctx, w, cancel),
		slots: make(chan struct{}, maxPending), pending: make(map[string]bool), sessions: make(map[string]*session),
	}
	lines := make(chan line)
	go readLines(ctx, r, lines)
	s.run(lines)
	err := s.end()
	if c, ok := r.(io.Closer); ok {
		_ = c.Close()
	}
	return err
}

// A server serves one client.
type server struct {
	host Host
	ctx  context.Context // of all requests
	stop context.CancelCauseFunc
	out  *out

	slots chan struct{} // one for each request that is under way
	work  sync.WaitGroup

	// Of the goroutine that reads alone.
	ready    bool            // the client said initialize
	shutdown json.RawMessage // the id of the request to end, null for a notification

	mu       sync.Mutex
	pending  map[string]bool // ids of requests that are under way
	sessions map[string]*session
	last     int // session
	ended    bool
}

// The ways in which a server is meant to end.
var (
	errShutdown = errors.New("the client asked to end")
	errEOF      = errors.New("the client is gone")
)

// run handles lines until the end.
func (s *server) run(lines <-chan line) {
	for s.ctx.Err() == nil {
		select {
		case <-s.ctx.Done():
		case l := <-lines:
			switch {
			case errors.Is(l.err, io.EOF):
				s.stop(errEOF)
			case l.err != nil:
				s.stop(l.err)
			case l.long:
				s.reply(nil, nil, misuse(codeInvalidRequest, "a line is longer than %d bytes", maxLine))
			default:
				s.line(l.data)
			}
		}
	}
}

// line handles one line. Requests are answered in goroutines of their own, but for
// those that later ones depend on.
func (s *server) line(data []byte) {
	m, bad := parse(data)
	switch {
	case m.ID == nil && bad != nil:
		s.reply(nil, nil, bad)
	case m.ID == nil:
		s.notified(m)
	case !s.begin(m.ID):
		s.reply(nil, nil, misuse(codeInvalidRequest, "a request has the id of another that is not answered yet"))
	case bad != nil:
		s.answer(m.ID, nil, bad)
	case m.Method == "initialize":
		result, err := s.initialize(m.Params)
		s.answer(m.ID, result, err)
	case !s.ready:
		s.answer(m.ID, nil, failure("not_initialized", "the first request is initialize", ""))
	case m.Method == "shutdown":
		s.shutdown = m.ID
		s.stop(errShutdown)
	default:
		s.request(m)
	}
}

// request answers a request when it can.
func (s *server) request(m message) {
	do, ok := methods[m.Method]
	if !ok {
		s.answer(m.ID, nil, misuse(codeMethodNotFound, "there is no such method"))
		return
	}
	select {
	case s.slots <- struct{}{}:
	case <-s.ctx.Done():
		return
	}
	s.work.Go(func() {
		defer func() { <-s.slots }()
		result, err := do(s, s.ctx, m.Params)
		s.answer(m.ID, result, err)
	})
}

// methods are those that may take their time.
var methods = map[string]func(*server, context.Context, json.RawMessage) (any, error){
	"session.open":      (*server).open,
	"session.close":     (*server).close,
	"session.status":    (*server).status,
	"session.configure": (*server).configure,
	"session.sign_out":  (*server).signOut,
	"session.token":     (*server).token,
}

// notified handles what wants no answer, and gets none.
func (s *server) notified(m message) {
	switch {
	case m.Method == "shutdown":
		s.stop(errShutdown)
	case m.Method == "session.message" && s.ready:
		if err := s.message(m.Params); err != nil {
			s.host.Log.Debug("a message of a view was dropped", "reason", err)
		}
	default:
		s.host.Log.Debug("a notification was dropped", "known", m.Method == "session.message")
	}
}

// begin notes that a request is under way, and tells whether its id is free.
func (s *server) begin(id json.RawMessage) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending[string(id)] {
		return false
	}
	s.pending[string(id)] = true
	return true
}

// answer answers a request that was begun.
func (s *server) answer(id json.RawMessage, result any, err error) {
	s.mu.Lock()
	delete(s.pending, string(id))
	s.mu.Unlock()
	s.reply(id, result, err)
}

// reply sends an answer. Without an id it is about a message whose id cannot be
// told.
func (s *server) reply(id json.RawMessage, result any, err error) {
	if id == nil {
		id = json.RawMessage("null")
	}
	r := response{Version: "2.0", ID: id, Result: result}
	if err != nil {
		r.Result, r.Error = nil, problemOf(err)
		s.host.Log.Debug("a request failed", "code", r.Error.Code, "message", r.Error.Message)
	}
	s.out.send(r)
}

// end ends all sessions, sees to it that what was answered is written, and returns
// what went wrong.
func (s *server) end() error {
	s.mu.Lock()
	s.ended = true
	open := s.sessions
	s.sessions = make(map[string]*session)
	s.mu.Unlock()
	for _, one := range open {
		s.work.Go(func() {
			if err := one.close(); err != nil {
				s.host.Log.Warn("a session could not be closed in order", "error", err)
			}
		})
	}
	s.work.Wait()
	if s.shutdown != nil {
		s.answer(s.shutdown, struct{}{}, nil)
	}
	err := s.out.close()
	switch cause := context.Cause(s.ctx); {
	case err != nil:
		return err
	case errors.Is(cause, errShutdown), errors.Is(cause, errEOF), errors.Is(cause, context.Canceled):
		return nil
	default:
		return cause
	}
}
