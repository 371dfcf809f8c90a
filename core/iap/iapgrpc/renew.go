package iapgrpc

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap"
)

// An attempt is what was sent with a call, which credentials note and interceptors ask.
type attempt struct {
	mu      sync.Mutex
	origin  string
	token   core.IDToken
	earlier core.Secret // that was refused before
}

type attemptKey struct{}

// sent notes it. ctx is of a call that no interceptor made, or of one that did.
func sent(ctx context.Context, origin string, token core.IDToken) {
	if a, ok := ctx.Value(attemptKey{}).(*attempt); ok {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.origin, a.token = origin, token
	}
}

// renew follows up on the error of a call: again tells that there is another token to make
// it with once more. Else the error is the call's, as its caller gets it.
func (c *Credentials) renew(ctx context.Context, a *attempt, err error) (again bool, _ error) {
	answer, ok := answerOf(err)
	a.mu.Lock()
	defer a.mu.Unlock()
	if !ok || a.token.Value == "" || !answer.stale() && !answer.denied() {
		return false, err
	}
	refused := iap.NewRefusedError(answer.status, a.origin, answer.body, a.token, a.earlier)
	if answer.denied() || refused.Renewed {
		return false, callError(refused)
	}
	fresh, err := c.src.Renew(ctx, a.token)
	switch {
	case errors.Is(err, core.ErrRenewedRecently):
		return false, callError(fmt.Errorf("%w: %w", refused, err))
	case err != nil:
		return false, callError(fmt.Errorf("%w, and it could not be renewed: %w", refused, err))
	case fresh.Value == a.token.Value:
		return false, callError(refused)
	}
	a.earlier = a.token.Value
	return true, nil
}

// Unary is a [grpc.UnaryClientInterceptor]. [Credentials.DialOptions] has it.
func (c *Credentials) Unary(ctx context.Context, method string, in, out any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	a := &attempt{}
	noted := context.WithValue(ctx, attemptKey{}, a)
	for {
		err := invoke(noted, method, in, out, conn, opts...)
		if err == nil {
			return nil
		}
		if again, err := c.renew(ctx, a, err); !again {
			return err
		}
	}
}

// Stream is a [grpc.StreamClientInterceptor]. [Credentials.DialOptions] has it.
func (c *Credentials) Stream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, make grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s := &stream{credentials: c, ctx: ctx}
	noted := context.WithValue(ctx, attemptKey{}, &s.attempt)
	s.open = func() (grpc.ClientStream, error) { return make(noted, desc, conn, method, opts...) }
	first, err := s.open()
	if err != nil {
		return nil, err
	}
	s.last = &made{ClientStream: first}
	return s, nil
}
