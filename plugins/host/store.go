package host

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/internal/handshake"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

const (
	// defaultTimeout is how long a call of a store may take that does not say.
	defaultTimeout = 30 * time.Second

	// releaseTimeout is how long giving a lock back may take, and closing.
	releaseTimeout = 5 * time.Second
)

// A store is one in another process.
type store struct {
	plugin     string
	rpc        pb.StoreServiceClient
	id         uint64
	timeout    time.Duration
	protection string

	capabilities core.Capabilities // declared by the plugin

	// gone says why there was no answer, when the plugin has not said so.
	gone func(op string) *fault.Error

	sending sync.Mutex // of stream.Send and CloseSend
	silent  bool

	questions *questions

	stream pb.StoreService_OpenClient
	cancel context.CancelFunc // of stream
	ended  chan struct{}      // closed when the stream has ended
	err    error              // how; after ended

	closing sync.Once
	closed  error
	end     func() // ends the process, where there is one
}

// openStore opens a store over a connection. Its life is the stream's.
func openStore(ctx context.Context, conn grpc.ClientConnInterface, name string, r plugins.Request, timeout time.Duration, gone func(string) *fault.Error, end func()) (core.TokenStore, error) {
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	rpc := pb.NewStoreServiceClient(conn)
	// The store outlives ctx, which is the wait for it to open.
	streamCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &store{plugin: name, rpc: rpc, timeout: timeout, gone: gone, cancel: cancel, ended: make(chan struct{}), end: end}
	opened, err := s.open(ctx, streamCtx, r)
	if err != nil {
		cancel()
		return nil, err
	}
	s.id, s.protection = opened.GetStore(), opened.GetProtection()
	s.capabilities = core.Capabilities{
		Locking: slices.Contains(opened.GetCapabilities(), pb.Capability_CAPABILITY_LOCKING),
		Listing: slices.Contains(opened.GetCapabilities(), pb.Capability_CAPABILITY_LISTING),
	}
	return s, nil
}

// open begins the stream and waits until the store is open, for as long as a call
// may take.
func (s *store) open(ctx, streamCtx context.Context, r plugins.Request) (*pb.Opened, error) {
	stream, err := s.rpc.Open(streamCtx)
	if err != nil {
		return nil, s.fail(ctx, "open", err)
	}
	s.stream = stream
	start := &pb.Start{Name: r.Name, Config: r.Settings, Directory: r.Dir}
	if err := stream.Send(&pb.OpenRequest{Message: &pb.OpenRequest_Start{Start: start}}); err != nil {
		return nil, s.fail(ctx, "open", err)
	}
	opened := make(chan *pb.Opened, 1)
	s.questions = newQuestions(r.Ask, func(a *pb.Answer) {
		s.say(&pb.OpenRequest{Message: &pb.OpenRequest_Answer{Answer: a}})
	})
	go s.converse(streamCtx, s.questions, opened)
	limited := s.questions.limit(ctx, s.timeout)
	defer limited.end()
	select {
	case o := <-opened:
		return o, nil
	case <-s.ended:
		return nil, s.fail(ctx, "open", s.err)
	case <-limited.Done():
		if limited.isPassed() {
			return nil, s.slow("open", s.timeout)
		}
		return nil, s.fail(ctx, "open", ctx.Err())
	}
}

// say sends m. When it cannot be sent the stream is over, which converse notices.
func (s *store) say(m *pb.OpenRequest) {
	s.sending.Lock()
	defer s.sending.Unlock()
	if !s.silent {
		_ = s.stream.Send(m)
	}
}

// closeSend says that nothing more will be said.
func (s *store) closeSend() {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.silent = true
	_ = s.stream.CloseSend()
}

// converse reads the stream: that the store is open, and what it asks. It ends
// with the stream, and when nobody is being asked any more.
func (s *store) converse(ctx context.Context, q *questions, opened chan<- *pb.Opened) {
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	asking.Go(func() { q.run(ctx) })
	for {
		m, err := s.stream.Recv()
		if err != nil {
			s.err = err
			cancel()
			close(s.ended)
			asking.Wait()
			return
		}
		switch m := m.Message.(type) {
		case *pb.OpenResponse_Opened:
			select {
			case opened <- m.Opened:
			default:
			}
		case *pb.OpenResponse_Question:
			q.put(m.Question)
		}
	}
}

// call makes a call, which may take its time, beside that in which a person
// answers a question.
func call[Request, Response any](ctx context.Context, s *store, op string, method func(context.Context, *Request, ...grpc.CallOption) (*Response, error), m *Request) (*Response, error) {
	if err := s.sendable(m); err != nil {
		return nil, err
	}
	limited := s.questions.limit(ctx, s.timeout)
	defer limited.end()
	response, err := method(limited, m)
	if _, own := wire.FromStatus(err); !own && status.Code(err) == codes.DeadlineExceeded {
		<-limited.Done() // the plugin's side may have been first to see the caller's deadline
	}
	switch {
	case err == nil:
		return response, nil
	case limited.isPassed() && ctx.Err() == nil:
		return nil, s.slow(op, s.timeout)
	}
	return nil, s.fail(ctx, op, err)
}

// sendable finds what a message cannot carry. Nothing of it gets to the plugin.
func (s *store) sendable(m any) error {
	if k, ok := m.(interface{ GetKey() string }); ok && !utf8.ValidString(k.GetKey()) {
		return fmt.Errorf("plugin %s: %w: %q is not UTF-8", s.plugin, core.ErrBadKey, k.GetKey())
	}
	if pm, ok := m.(proto.Message); ok && proto.Size(pm) > handshake.MaxMessage {
		return fmt.Errorf("plugin %s: %w: a plugin takes documents of up to %d bytes", s.plugin, core.ErrTooLarge, handshake.MaxMessage)
	}
	return nil
}

// slow is the error of a plugin that did not answer in time.
func (s *store) slow(op string, limit time.Duration) error {
	return &fault.Error{
		Subject: "plugin " + s.plugin, Kind: core.ErrUnavailable, Problem: fmt.Sprintf("%s: no answer within %s", op, limit),
		Remedy: fault.Say("look at what the store waits for; a longer time is set by timeout in its table in config.toml"), Err: context.DeadlineExceeded,
	}
}

// fail returns the plugin's own error, or says that there was no answer.
func (s *store) fail(ctx context.Context, op string, err error) error {
	if own, ok := wire.FromStatus(err); ok {
		return own
	}
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("plugin %s: %s: %w", s.plugin, op, cause)
	}
	select {
	case <-s.ended:
		if own, ok := wire.FromStatus(s.err); ok {
			return own
		}
	default:
	}
	e := s.gone(op)
	if status.Code(err) == codes.ResourceExhausted {
		e.Problem = fmt.Sprintf("%s: its answer has more than %d bytes", op, handshake.MaxMessage)
	}
	return e
}

// Load implements [core.TokenStore].
func (s *store) Load(ctx context.Context, key string) (core.Record, error) {
	m, err := call(ctx, s, "load", s.rpc.Load, &pb.LoadRequest{Store: s.id, Key: key})
	return wire.ToRecord(m.GetRecord()), err
}

// Save implements [core.TokenStore].
func (s *store) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	m, err := call(ctx, s, "save", s.rpc.Save, &pb.SaveRequest{Store: s.id, Key: key, Record: wire.FromRecord(r)})
	if err != nil {
		return core.Record{}, err
	}
	return core.Record{Data: r.Data, Revision: m.GetRevision()}, nil
}

// Delete implements [core.TokenStore].
func (s *store) Delete(ctx context.Context, key string) error {
	_, err := call(ctx, s, "delete", s.rpc.Delete, &pb.DeleteRequest{Store: s.id, Key: key})
	return err
}

// Check implements [core.Checker].
func (s *store) Check(ctx context.Context, key string) error {
	_, err := call(ctx, s, "check", s.rpc.Check, &pb.CheckRequest{Store: s.id, Key: key})
	return err
}

// Quarantine implements [core.Quarantiner].
func (s *store) Quarantine(ctx context.Context, key string) (string, error) {
	m, err := call(ctx, s, "set aside", s.rpc.SetAside, &pb.SetAsideRequest{Store: s.id, Key: key})
	return m.GetWhere(), err
}

// Path implements [core.Locator]. A plugin that does not answer soon cannot tell.
func (s *store) Path(key string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	m, err := s.rpc.Locate(ctx, &pb.LocateRequest{Store: s.id, Key: key})
	if err != nil {
		return ""
	}
	return m.GetWhere()
}

// Describe implements [core.Describer].
func (s *store) Describe() string { return s.protection }

// Close closes the store in its process, and then ends that.
func (s *store) Close() error {
	s.closing.Do(func() {
		timer := time.AfterFunc(releaseTimeout, s.cancel)
		s.closeSend()
		<-s.ended
		if timer.Stop() {
			// A process that is gone has nothing open.
			s.closed, _ = wire.FromStatus(s.err)
		} else {
			s.closed = s.slow("close", releaseTimeout)
		}
		s.cancel()
		if s.end != nil {
			s.end()
		}
	})
	return s.closed
}

// Capabilities implements [core.Wrapper].
func (s *store) Capabilities() core.Capabilities { return s.capabilities }

// List implements [core.Lister].
func (s *store) List(ctx context.Context) ([]string, error) {
	m, err := call(ctx, s, "list", s.rpc.List, &pb.ListRequest{Store: s.id})
	return m.GetKeys(), err
}
