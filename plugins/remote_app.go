package plugins

import (
	"context"
	"fmt"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

// A remoteApp is the host's App, as a frontend in another process sees it.
type remoteApp struct{ c *pluginStream }

var _ core.App = (*remoteApp)(nil)

// begin makes a call of m.
func (a *remoteApp) begin(m *pb.Call, call *call) {
	call.reply = make(chan *pb.Reply, 1)
	a.c.mu.Lock()
	m.Id = a.c.next()
	a.c.calls[m.Id] = call
	a.c.mu.Unlock()
	a.c.say(&pb.RunResponse{Message: &pb.RunResponse_Call{Call: m}})
}

// await waits for the reply to a call that was begun. When ctx ends first, the
// host is told that nobody waits, and its answer is still waited for: what it is
// in the middle of, such as saving a session, is not left behind.
func (a *remoteApp) await(ctx context.Context, id uint64, call *call) (*pb.Reply, error) {
	stop := context.AfterFunc(ctx, func() {
		a.c.say(&pb.RunResponse{Message: &pb.RunResponse_CallEnd{CallEnd: &pb.CallEnd{Id: id}}})
	})
	defer stop()
	select {
	case reply := <-call.reply:
		return reply, a.replyError(ctx, reply)
	case <-a.c.ended:
		a.c.take(id)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("tokentoss is gone: %w", core.ErrClosed)
	}
}

// replyError is the error in a reply. It keeps the number of the call, by which
// the host knows its own error again when the frontend returns this one.
func (a *remoteApp) replyError(ctx context.Context, reply *pb.Reply) error {
	if reply.GetError() == nil {
		return nil
	}
	reply.Error.Call = reply.GetCall()
	err := wire.ToError(reply.Error)
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

func (a *remoteApp) call(ctx context.Context, m *pb.Call, call *call) (*pb.Reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a.begin(m, call)
	return a.await(ctx, m.Id, call)
}

// Status implements [core.App].
func (a *remoteApp) Status(ctx context.Context) (core.Status, error) {
	reply, err := a.call(ctx, &pb.Call{Method: &pb.Call_Status{Status: &pb.StatusCall{}}}, &call{})
	return wire.ToAppStatus(reply.GetStatus()), err
}

// Watch implements [core.App].
func (a *remoteApp) Watch(ctx context.Context) (<-chan core.Status, error) {
	first, err := a.Status(ctx)
	if err != nil {
		return nil, err
	}
	w := &call{updates: make(chan core.Status, 1)}
	m := &pb.Call{Method: &pb.Call_Watch{Watch: &pb.WatchCall{}}}
	w.updates <- first
	a.begin(m, w)
	out := make(chan core.Status, 1)
	began := a.c.spawn(func() { // ends with ctx, with the frontend's Run, or with the pluginStream
		defer close(out)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(a.c.ctx, cancel)()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = a.await(ctx, m.Id, w)
		}()
		forward(w.updates, ended, out)
	})
	if !began {
		return nil, core.ErrClosed
	}
	return out, nil
}

// forward passes on what comes in until ended, replacing what was not yet taken.
func forward(in <-chan core.Status, ended <-chan struct{}, out chan core.Status) {
	for {
		select {
		case <-ended:
			return
		case st := <-in:
			select {
			case <-out:
			default:
			}
			out <- st
		}
	}
}

// Configure implements [core.App].
func (a *remoteApp) Configure(ctx context.Context, c core.ClientSecrets) error {
	_, err := a.call(ctx, &pb.Call{Method: &pb.Call_Configure{Configure: wire.FromClientSecrets(c)}}, &call{})
	return err
}

// SignIn implements [core.App].
func (a *remoteApp) SignIn(ctx context.Context, p core.Prompter) (core.Status, error) {
	reply, err := a.call(ctx, &pb.Call{Method: &pb.Call_SignIn{SignIn: &pb.SignInCall{}}}, &call{prompter: p})
	return wire.ToAppStatus(reply.GetStatus()), err
}

// SignOut implements [core.App].
func (a *remoteApp) SignOut(ctx context.Context) error {
	_, err := a.call(ctx, &pb.Call{Method: &pb.Call_SignOut{SignOut: &pb.SignOutCall{}}}, &call{})
	return err
}

// IDToken implements [core.App].
func (a *remoteApp) IDToken(ctx context.Context) (core.IDToken, error) {
	reply, err := a.call(ctx, &pb.Call{Method: &pb.Call_IdToken{IdToken: &pb.IDTokenCall{}}}, &call{})
	return wire.ToIDToken(reply.GetIdToken()), err
}

// Renew implements [core.App].
func (a *remoteApp) Renew(ctx context.Context, stale core.IDToken) (core.IDToken, error) {
	reply, err := a.call(ctx, &pb.Call{Method: &pb.Call_Renew{Renew: wire.FromIDToken(stale)}}, &call{})
	return wire.ToIDToken(reply.GetIdToken()), err
}
