package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// DefaultIdle is how long an agent stays without a call.
const DefaultIdle = 15 * time.Minute

// handover is how long a new agent waits for one that makes way.
const handover = 5 * time.Second

// ErrRunning: an agent listens already.
var ErrRunning = errors.New("an agent is running already")

// An Opening is what a store is opened with.
type Opening struct {
	Name string

	// Environ is what the store may see of an environment: that of the caller who
	// wants it, and not the agent's.
	Environ []string

	// Ask asks whoever waits for the store.
	Ask func(context.Context, string) (core.Secret, error)

	// Log goes to those who wait for the store and want to see it.
	Log *slog.Logger
}

// A Server is an agent.
type Server struct {
	// Socket is where to listen; see [Socket].
	Socket string

	// Open opens a store. Its error wraps [ErrUnknownStore] when there is none of that
	// name.
	Open func(ctx context.Context, o Opening) (core.TokenStore, error)

	// Watched are files whose change makes the agent open its stores anew: the
	// settings. A change of Executable makes it end.
	Watched    []string
	Executable string

	// Idle is how long to stay without a call; 0 means [DefaultIdle].
	Idle time.Duration

	// Log gets what happens, and each call that failed with the ID that its caller is
	// told: never a name, or a secret. Nil discards.
	Log *slog.Logger

	// Observe, if it is not nil, is called after each call with its error, from several
	// goroutines at once.
	Observe func(error)

	executable fileID
	stores     stores
	busy       idleTimer
	serving    sync.WaitGroup
	stop       context.CancelFunc
	listener   net.Listener
}

// Run listens until ctx ends, nobody calls for the idle time, or the agent makes
// way for another. Then it closes the stores, and the socket is gone.
func (s *Server) Run(ctx context.Context) error {
	if s.Idle <= 0 {
		s.Idle = DefaultIdle
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	ctx, s.stop = context.WithCancel(ctx)
	defer s.stop()
	// One agent at a time: the socket file of another must not be taken away.
	lock := flock.New(s.Socket+".lock", flock.SetPermissions(0o600))
	waiting, done := context.WithTimeout(ctx, handover)
	defer done()
	switch ok, err := lock.TryLockContext(waiting, 2*time.Millisecond); {
	case waiting.Err() != nil && !ok:
		return ErrRunning
	case err != nil:
		return err
	}
	defer lock.Unlock()
	listener, err := listen(s.Socket)
	if err != nil {
		return err
	}
	s.executable = fileIDOf(s.Executable)
	s.stores = stores{server: s, fileIDs: fileIDsOf(s.Watched), open: make(map[place]*entry)}
	s.busy = idleTimer{idle: s.Idle, end: s.stop}
	s.busy.begin()
	s.busy.done()
	s.listener = listener
	closing := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer closing()
	s.Log.Info("agent listens", "socket", s.Socket)
	for {
		c, err := listener.Accept()
		if err != nil {
			break
		}
		s.serving.Go(func() { s.serve(ctx, c) })
	}
	s.stop()
	s.serving.Wait()
	s.stores.closeAll()
	s.busy.stopTimer()
	s.Log.Info("agent ends")
	return nil
}

// serve answers one connection.
func (s *Server) serve(ctx context.Context, raw net.Conn) {
	c := newConn(raw)
	closing := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer closing()
	defer c.Close()
	if err := checkPeer(raw); err != nil {
		s.Log.Warn("a connection was refused", "reason", err)
		return
	}
	var environ []string // of the other side
	for {
		var m request
		if err := c.receive(&m); err != nil {
			return
		}
		if m.Environ != nil {
			environ = m.Environ
		}
		m.Environ = environ
		s.busy.begin()
		began := time.Now()
		r, end := s.answer(ctx, c, m)
		s.busy.done()
		s.logFailure(ctx, m.Op, r, time.Since(began))
		if err := c.send(r); err != nil || end {
			return
		}
	}
}

// answer handles a request, and tells whether it was the connection's last.
func (s *Server) answer(ctx context.Context, c *conn, m request) (r *response, end bool) {
	if m.Op == opStop {
		defer s.stop()
		return &response{}, true
	}
	if m.Version != protocolVersion || fileIDOf(s.Executable) != s.executable {
		s.Log.Info("agent makes way for a new one")
		// Nobody must find this one when told to start another.
		_ = s.listener.Close()
		defer s.stop()
		return &response{Gone: true}, true
	}
	e, err := s.stores.get(ctx, m, caller{c, m.CanAsk, m.Verbose})
	if err != nil {
		s.observe(err)
		return &response{Error: fault.ToRemote(err)}, false
	}
	defer s.stores.put(e)
	if m.Op == opLock {
		s.observe(nil)
		return s.lock(ctx, c, e, m), true
	}
	// To open asks nobody: what is loaded ahead may not be needed.
	e.push(caller{c, m.CanAsk && m.Op != opOpen, m.Verbose})
	defer e.pop(c)
	r, err = do(ctx, e.store, m)
	s.observe(err)
	if err != nil {
		r = &response{Error: fault.ToRemote(err)}
	}
	if errors.Is(err, core.ErrUnavailable) {
		s.stores.drop(e) // a plugin that ended is started again for the next call
	}
	return r, false
}

func (s *Server) observe(err error) {
	if s.Observe != nil {
		s.Observe(err)
	}
}

// do makes a call of a store.
func do(ctx context.Context, s core.TokenStore, m request) (*response, error) {
	base := core.Full(s)
	switch m.Op {
	case opOpen:
		can := core.CapabilitiesOf(s)
		r := &response{Locking: can.Locking, Listing: can.Listing, Protection: base.Describe()}
		if m.Key != "" {
			// What cannot be loaded now is loaded, and explained, when it is asked for.
			if record, err := s.Load(ctx, m.Key); err == nil {
				r.Data, r.Revision = record.Data, record.Revision
			}
		}
		return r, nil
	case opLoad:
		r, err := s.Load(ctx, m.Key)
		return &response{Data: r.Data, Revision: r.Revision}, err
	case opSave:
		r, err := s.Save(ctx, m.Key, core.Record{Data: m.Data, Revision: m.Revision})
		return &response{Revision: r.Revision}, err
	case opDelete:
		return &response{}, s.Delete(ctx, m.Key)
	case opCheck:
		return &response{}, base.Check(ctx, m.Key)
	case opSetAside:
		where, err := base.Quarantine(ctx, m.Key)
		return &response{Text: where}, err
	case opLocate:
		return &response{Text: base.Path(m.Key)}, nil
	case opList:
		keys, err := base.List(ctx)
		return &response{Keys: keys}, err
	}
	return nil, fmt.Errorf("the agent cannot do %q: %w", m.Op, errors.ErrUnsupported)
}

// lock holds a lock until the other side gives it back, or is gone. The response
// that it returns says that it is given back.
func (s *Server) lock(ctx context.Context, c *conn, e *entry, m request) *response {
	// What the other side says next is to give it back, or its end: either ends
	// the wait, too.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.serving.Go(func() {
		defer cancel()
		var release request
		_ = c.receive(&release)
	})
	e.push(caller{c, false, m.Verbose})
	lease, err := core.Full(e.store).Lock(ctx, m.Key)
	e.pop(c) // what is logged from here on would be taken for the end of the lock
	if err != nil {
		return &response{Error: fault.ToRemote(err)}
	}
	if err := c.send(&response{}); err == nil {
		select {
		case <-ctx.Done():
		case <-lease.Lost():
			_ = lease.Release()
			return &response{Lost: true}
		}
	}
	return &response{Error: fault.ToRemote(lease.Release())}
}
