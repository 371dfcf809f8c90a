package proxy

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap"
)

// tokenAge is how long a token is used before the App is asked again. The App may
// be in another process, where each question costs more than a request does here.
const tokenAge = time.Second

// tokens gives the App's token, asking at most once per tokenAge however many
// requests there are.
type tokens struct {
	app core.App
	ctx context.Context // of the run

	fresh atomic.Pointer[agedToken]

	mu     sync.Mutex
	call   *tokenCall // the question that is under way, or nil
	epoch  int        // counts what makes answers old that are under way
	asking sync.WaitGroup
}

type agedToken struct {
	core.IDToken
	until time.Time
}

// A tokenCall is one question to the App, for all who wait.
type tokenCall struct {
	done  chan struct{}
	token core.IDToken
	err   error
}

var _ iap.TokenSource = (*tokens)(nil)

// IDToken implements [iap.TokenSource].
func (t *tokens) IDToken(ctx context.Context) (core.IDToken, error) {
	if f := t.fresh.Load(); f != nil && time.Now().Before(f.until) {
		return f.IDToken, nil
	}
	f := t.join()
	select {
	case <-f.done:
		return f.token, wrapToken(f.err)
	case <-ctx.Done():
		return core.IDToken{}, ctx.Err()
	}
}

// join returns the call that is under way, or begins one.
func (t *tokens) join() *tokenCall {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.call != nil {
		return t.call
	}
	f := &tokenCall{done: make(chan struct{})}
	t.call = f
	epoch := t.epoch
	t.asking.Go(func() {
		f.token, f.err = t.app.IDToken(t.ctx)
		t.mu.Lock()
		t.call = nil
		if epoch == t.epoch {
			t.keep(f.token, f.err)
		}
		t.mu.Unlock()
		close(f.done)
	})
	return f
}

// keep remembers a token. t.mu is held.
func (t *tokens) keep(token core.IDToken, err error) {
	if err != nil {
		t.fresh.Store(nil)
		return
	}
	until := time.Now().Add(tokenAge)
	if token.Expiry.Before(until) {
		until = token.Expiry
	}
	t.fresh.Store(&agedToken{token, until})
}

// forget has the App asked again, also by those whose question is under way.
func (t *tokens) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.epoch++
	t.fresh.Store(nil)
}

// Renew implements [iap.TokenSource]. The App makes one refresh of any number of
// calls.
func (t *tokens) Renew(ctx context.Context, stale core.IDToken) (core.IDToken, error) {
	token, err := t.app.Renew(ctx, stale)
	if err == nil {
		t.mu.Lock()
		t.epoch++
		t.keep(token, nil)
		t.mu.Unlock()
	}
	return token, wrapToken(err)
}

// expiry is that of the last token; zero when there is none.
func (t *tokens) expiry() time.Time {
	if f := t.fresh.Load(); f != nil {
		return f.Expiry
	}
	return time.Time{}
}

// A tokenError tells failures to get a token from those of the service.
type tokenError struct{ err error }

func wrapToken(err error) error {
	if err == nil {
		return nil
	}
	return &tokenError{err}
}

func (e *tokenError) Error() string { return e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }

// isStale tells whether err is IAP's refusal of a request that could not be repeated: in
// words, or with its sign-in page.
func isStale(err error) bool {
	var refused *iap.RefusedError
	return errors.Is(err, errStale) || errors.As(err, &refused) && refused.OneShot
}

// renewStale gets a newer token for the next request, after one that could not be
// repeated. Whether it succeeds shows then.
func renewStale(ctx context.Context, tokens iap.TokenSource, err error) {
	if !isStale(err) {
		return
	}
	if token, err := tokens.IDToken(ctx); err == nil {
		_, _ = tokens.Renew(ctx, token)
	}
}
