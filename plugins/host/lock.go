package host

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

// Lock implements [core.Locker]. The lock is held for as long as its stream lives.
func (s *store) Lock(ctx context.Context, key string) (core.Lease, error) {
	if err := s.sendable(&pb.LockRequest{Key: key}); err != nil {
		return nil, err
	}
	// ctx bounds the wait, not the lock.
	streamCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	held, err := s.lock(streamCtx, key)
	if !stop() || err != nil {
		cancel()
		if cause := ctx.Err(); cause != nil {
			return nil, fmt.Errorf("plugin %s: %w: %w", s.plugin, core.ErrLocked, cause)
		}
		return nil, s.fail(ctx, "lock", err)
	}
	h := &lease{s: s, stream: held, cancel: cancel, lost: make(chan struct{}), ended: make(chan struct{})}
	go h.watch()
	return h, nil
}

func (s *store) lock(ctx context.Context, key string) (pb.StoreService_LockClient, error) {
	stream, err := s.rpc.Lock(ctx)
	if err != nil {
		return nil, err
	}
	if err := stream.Send(&pb.LockRequest{Store: s.id, Key: key}); err != nil {
		_, err = stream.Recv() // has the reason
		return nil, err
	}
	_, err = stream.Recv()
	return stream, err
}

// A lease is a lock that is held in another process.
type lease struct {
	s      *store
	stream pb.StoreService_LockClient
	cancel context.CancelFunc
	lost   chan struct{} // closed when the lock is lost before it is given back
	ended  chan struct{} // closed when the stream has ended

	mu       sync.Mutex
	released bool
	err      error // how the stream ended; after ended
}

// watch reads the stream to its end.
func (h *lease) watch() {
	defer close(h.ended)
	for {
		m, err := h.stream.Recv()
		h.mu.Lock()
		if !h.released && (err != nil || m.GetLost()) {
			h.released = true // there is nothing to give back
			close(h.lost)
		}
		h.mu.Unlock()
		if err != nil {
			h.err, _ = wire.FromStatus(err)
			h.cancel()
			return
		}
	}
}

// Release implements [core.Lease].
func (h *lease) Release() error {
	h.mu.Lock()
	first := !h.released
	h.released = true
	h.mu.Unlock()
	if !first {
		return nil
	}
	_ = h.stream.CloseSend()
	timer := time.NewTimer(releaseTimeout)
	defer timer.Stop()
	select {
	case <-h.ended:
		return h.err
	case <-timer.C:
		h.cancel() // the plugin sees that nobody wants the lock any more
		<-h.ended
		return h.s.slow("release", releaseTimeout)
	}
}

// Lost implements [core.Lease].
func (h *lease) Lost() <-chan struct{} { return h.lost }
