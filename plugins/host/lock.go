package host

import (
	"context"
	"fmt"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
	"github.com/tokentoss/tokentoss/plugins/internal/remote"
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
	return remote.Lock{
		Ended: func() error {
			defer cancel()
			for {
				m, err := held.Recv()
				if err != nil {
					err, _ = wire.FromStatus(err)
					return err
				}
				if m.GetLost() {
					return nil
				}
			}
		},
		Release: func() { _ = held.CloseSend() },
		Timeout: releaseTimeout,
		Abandon: func() error {
			cancel() // the plugin sees that nobody wants the lock any more
			return s.slow("release", releaseTimeout)
		},
	}.Lease(), nil
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
