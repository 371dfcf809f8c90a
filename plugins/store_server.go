package plugins

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

// A storeServer serves any number of open stores of one plugin.
type storeServer struct {
	pb.UnimplementedStoreServiceServer
	plugin Plugin
	log    *slog.Logger

	mu   sync.Mutex
	last uint64
	open map[uint64]core.TokenStore
}

func newStoreServer(p Plugin, log *slog.Logger) *storeServer {
	return &storeServer{plugin: p, log: log, open: make(map[uint64]core.TokenStore)}
}

func (s *storeServer) add(store core.TokenStore) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.open[s.last] = store
	return s.last
}

func (s *storeServer) remove(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, id)
}

// lookup returns an open store.
func (s *storeServer) lookup(id uint64) (core.FullStore, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	store, ok := s.open[id]
	if !ok {
		return nil, wire.ToStatus(fmt.Errorf("the store of plugin %s: %w", s.plugin.Name, core.ErrClosed))
	}
	return core.Full(store), nil
}

// Open implements [pb.StoreServiceServer]. The store is open for as long as the
// stream lives, so that a host that dies leaves nothing open.
func (s *storeServer) Open(stream pb.StoreService_OpenServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	c := &prompts{send: stream.Send, waiting: make(map[uint64]chan *pb.Answer), done: make(chan struct{})}
	go c.receive(stream.Recv)
	defer c.end()
	store, err := s.plugin.OpenStore(stream.Context(), Request{
		Name: first.GetStart().GetName(), Settings: first.GetStart().GetConfig(), Dir: first.GetStart().GetDirectory(),
		Log: s.log, Ask: c.ask,
	})
	if err != nil {
		return wire.ToStatus(err)
	}
	id := s.add(store)
	opened := &pb.Opened{Store: id, Capabilities: s.plugin.capabilities(), Protection: core.Full(store).Describe()}
	if err := c.say(&pb.OpenResponse{Message: &pb.OpenResponse_Opened{Opened: opened}}); err == nil {
		<-c.done // the host closes the store, or is gone
	}
	s.remove(id)
	return wire.ToStatus(core.Full(store).Close())
}

// Load implements [pb.StoreServiceServer].
func (s *storeServer) Load(ctx context.Context, m *pb.LoadRequest) (*pb.LoadResponse, error) {
	store, err := s.lookup(m.GetStore())
	if err != nil {
		return nil, err
	}
	r, err := store.Load(ctx, m.GetKey())
	if err != nil {
		return nil, wire.ToStatus(err)
	}
	return &pb.LoadResponse{Record: wire.FromRecord(r)}, nil
}

// Save implements [pb.StoreServiceServer].
func (s *storeServer) Save(ctx context.Context, m *pb.SaveRequest) (*pb.SaveResponse, error) {
	store, err := s.lookup(m.GetStore())
	if err != nil {
		return nil, err
	}
	r, err := store.Save(ctx, m.GetKey(), wire.ToRecord(m.GetRecord()))
	if err != nil {
		return nil, wire.ToStatus(err)
	}
	return &pb.SaveResponse{Revision: r.Revision}, nil
}

// Delete implements [pb.StoreServiceServer].
func (s *storeServer) Delete(ctx context.Context, m *pb.DeleteRequest) (*pb.DeleteResponse, error) {
	store, err := s.lookup(m.GetStore())
	if err != nil {
		return nil, err
	}
	return &pb.DeleteResponse{}, wire.ToStatus(store.Delete(ctx, m.GetKey()))
}

// Check implements [pb.StoreServiceServer].
func (s *storeServer) Check(ctx context.Context, m *pb.CheckRequest) (*pb.CheckResponse, error) {
	store, err := s.lookup(m.GetStore())
	if err != nil {
		return nil, err
	}
	return &pb.CheckResponse{}, wire.ToStatus(store.Check(ctx, m.GetKey()))
}

// SetAside implements [pb.StoreServiceServer].
func (s *storeServer) SetAside(ctx context.Context, m *pb.SetAsideRequest) (*pb.SetAsideResponse, error) {
	store, err := s.lookup(m.GetStore())
	if err != nil {
		return nil, err
	}
	where, err := store.Quarantine(ctx, m.GetKey())
	return &pb.SetAsideResponse{Where: where}, wire.ToStatus(err)
}

// Locate implements [pb.StoreServiceServer].
func (s *storeServer) Locate(_ context.Context, m *pb.LocateRequest) (*pb.LocateResponse, error) {
	store, err := s.lookup(m.GetStore())
	if err != nil {
		return nil, err
	}
	return &pb.LocateResponse{Where: store.Path(m.GetKey())}, nil
}

// List implements [pb.StoreServiceServer].
func (s *storeServer) List(ctx context.Context, m *pb.ListRequest) (*pb.ListResponse, error) {
	store, err := s.lookup(m.GetStore())
	if err != nil {
		return nil, err
	}
	keys, err := store.List(ctx)
	return &pb.ListResponse{Keys: keys}, wire.ToStatus(err)
}

// Lock implements [pb.StoreServiceServer]. The lock is held for as long as the
// stream lives, so that a host that dies holds none.
func (s *storeServer) Lock(stream pb.StoreService_LockServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	store, err := s.lookup(first.GetStore())
	if err != nil {
		return err
	}
	lease, err := store.Lock(stream.Context(), first.GetKey())
	if err != nil {
		return wire.ToStatus(err)
	}
	if err := stream.Send(&pb.LockResponse{}); err != nil {
		return errors.Join(err, lease.Release())
	}
	released := make(chan struct{})
	go func() { // ends with the stream
		defer close(released)
		for {
			if _, err := stream.Recv(); err != nil {
				return
			}
		}
	}()
	select {
	case <-released:
	case <-lease.Lost():
		_ = stream.Send(&pb.LockResponse{Lost: true})
	}
	return wire.ToStatus(lease.Release())
}
