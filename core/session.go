package core

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokentoss/tokentoss/core/oidc"
)

// DefaultSessionLifetime is how long after a sign-in a new one is wanted.
const DefaultSessionLifetime = 24 * time.Hour

// SessionOptions are the parts that a [Session] ties together. Store is needed;
// the rest has defaults or can come later.
type SessionOptions struct {
	// Store keeps the session under Key, [DefaultKey] when empty.
	Store TokenStore
	Key   string

	// Client is the OAuth client. Nil means that the session is not configured
	// until Configure is called.
	Client *oidc.Client

	// Flow signs a person in. Without it SignIn is an error.
	Flow FlowFunc

	// Machine makes it the session of a machine, which needs no person, no client and
	// no Flow but its own. Lifetime does not count for it.
	Machine *Machine

	// Provider applies to clients that come by Configure.
	Provider oidc.ProviderOptions

	// SaveClient keeps a client that comes by Configure. Nil: it lasts as long
	// as the Session.
	SaveClient func(context.Context, ClientSecrets) error

	// Lifetime is how long after a sign-in a new one is wanted; 0 means no
	// limit. See [DefaultSessionLifetime].
	Lifetime time.Duration

	// OneShot is for a program that ends after a call or two. A token in its last
	// minutes is then given out as it is, and not refreshed in the background,
	// which the end of the program would have to wait for.
	OneShot bool

	// LockTimeout is how long a refresh waits for another process's; 0 means 15
	// seconds. After that it goes ahead: a stopped process must not stop all.
	LockTimeout time.Duration

	// Host tells this machine from others that share the store, whose clocks may differ;
	// the name of the host when empty.
	Host string

	// Logger gets what happens, never a secret. Nil discards.
	Logger *slog.Logger

	// Now is the clock; nil means [time.Now].
	Now func() time.Time
}

// A Session is one profile's sign-in: a client, a store, and the cached ID
// token. It implements [App].
//
// Reading a valid token is one atomic load. At most one refresh is under way at
// any time, in this process and, where the store is a [Locker], in all that
// share the store; its outcome, also its failure, is everybody's.
//
// Close it when done.
type Session struct {
	opts   SessionOptions
	key    string
	log    *slog.Logger
	now    func() time.Time
	host   func() string // see hostName
	grant  grant
	client atomic.Pointer[oidc.Client]
	cached atomic.Pointer[snapshot]

	ctx    context.Context // of the refreshes; ends at Close
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu         sync.Mutex
	refreshing *refreshCall           // the refresh under way
	failed     *failedRefresh         // the last refresh's failure
	epoch      uint64                 // counts what replaced or ended the session here
	watchers   map[chan struct{}]bool // of Watch
	closed     bool
}

var _ App = (*Session)(nil)

// NewSession returns the session that o describes. It does not touch the store.
func NewSession(o SessionOptions) (*Session, error) {
	if o.Store == nil {
		return nil, errors.New("a session needs a store")
	}
	if o.Key == "" {
		o.Key = DefaultKey
	}
	if err := CheckKey(o.Key); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.LockTimeout == 0 {
		o.LockTimeout = 15 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Session{opts: o, key: o.Key, log: o.Logger, now: o.Now, watchers: make(map[chan struct{}]bool)}
	s.host = sync.OnceValue(func() string { return hostName(o.Host) })
	s.grant = userGrant{s}
	if o.Machine != nil {
		s.grant = machineGrant{s, o.Machine}
		s.opts.Lifetime = 0
	}
	s.client.Store(o.Client)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Close waits for a refresh that is under way, as its outcome must not be lost,
// ends it if it waits for a lock, and closes the store. The session gives no
// tokens afterwards.
func (s *Session) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.cancel()
	s.mu.Unlock()
	s.replace(nil)
	s.work.Wait()
	return Full(s.opts.Store).Close()
}

// inBackground runs f, which Close waits for, unless the session is closed.
func (s *Session) inBackground(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.work.Go(f)
	}
}

// String names the session, and shows nothing that it holds.
func (s *Session) String() string { return "session " + s.key }

// Format implements [fmt.Formatter], so that no verb shows what is inside.
func (s *Session) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// Client returns the OAuth client, or nil when there is none.
func (s *Session) Client() *oidc.Client { return s.client.Load() }

// IDToken implements [App]. The warm path takes no lock and makes no
// allocation.
func (s *Session) IDToken(ctx context.Context) (IDToken, error) {
	now := s.now()
	snap := s.cached.Load()
	if snap != nil && snap.fresh(now) {
		return snap.token, nil
	}
	if err := ctx.Err(); err != nil {
		return IDToken{}, err
	}
	if snap == nil || !snap.valid(now) {
		// The store may have a newer one: from another process, or from before
		// this one started.
		var err error
		if snap, err = s.reload(ctx); err != nil {
			return IDToken{}, err
		}
	}
	switch {
	case snap.fresh(now):
		return snap.token, nil
	case snap.valid(now):
		if !s.opts.OneShot {
			s.refreshInBackground(snap)
		}
		return snap.token, nil
	}
	return s.await(ctx, snap, false)
}

// IDTokenFor returns a token for a program that keeps it: one that is valid for at least
// least, renewed if it has less left. Where the provider's tokens never live so long, one
// is renewed that has lived half of its life. Callers at once, in all processes, cause one
// renewal, and one in ten seconds at most.
//
// A token that could not be renewed is returned all the same while it is valid; its Expiry
// says how long that is. The errors are those of IDToken.
func (s *Session) IDTokenFor(ctx context.Context, least time.Duration) (IDToken, error) {
	token, err := s.IDToken(ctx)
	if err != nil {
		return IDToken{}, err
	}
	snap := s.cached.Load()
	if snap == nil { // signed out at this moment
		return token, nil
	}
	if snap.lasts(s.now(), least) {
		return snap.token, nil
	}
	next, err := s.Renew(ctx, snap.token)
	if err != nil {
		s.log.Info("the token that there is was not renewed", "reason", err)
		return token, ctx.Err()
	}
	return next, nil
}

// Renew implements [App].
func (s *Session) Renew(ctx context.Context, stale IDToken) (IDToken, error) {
	snap := s.cached.Load()
	if snap == nil || snap.token.Value == stale.Value {
		var err error
		if snap, err = s.reload(ctx); err != nil {
			return IDToken{}, err
		}
	}
	if snap.token.Value != stale.Value && snap.valid(s.now()) {
		return snap.token, nil
	}
	return s.await(ctx, snap, true)
}

// configured returns the client, or ErrNotConfigured.
func (s *Session) configured() (*oidc.Client, error) {
	if c := s.client.Load(); c != nil {
		return c, nil
	}
	return nil, ErrNotConfigured
}
