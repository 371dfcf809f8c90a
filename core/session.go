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
	client atomic.Pointer[oidc.Client]
	cached atomic.Pointer[snapshot]

	ctx    context.Context // of the refreshes; ends at Close
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu       sync.Mutex
	flight   *flight                // the refresh under way
	failed   *remembered            // the last refresh's failure
	epoch    uint64                 // counts what replaced or ended the session here
	watchers map[chan struct{}]bool // of Watch
	closed   bool
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
	if o.Machine != nil {
		o.Lifetime = 0
	}
	s := &Session{opts: o, key: o.Key, log: o.Logger, now: o.Now, watchers: make(map[chan struct{}]bool)}
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

// AccessToken returns the access token that came with the current ID token, for
// the provider's own APIs. IAP does not take it. Its errors are those of IDToken,
// and one for a provider that gave none.
func (s *Session) AccessToken(ctx context.Context) (Secret, error) {
	if _, err := s.IDToken(ctx); err != nil {
		return "", err
	}
	snap := s.cached.Load()
	if snap == nil { // signed out at this moment
		return "", &SignInNeededError{Cause: CauseSignedOut}
	}
	if snap.record.AccessToken == "" {
		return "", errors.New("the provider gave no access token")
	}
	return Secret(snap.record.AccessToken), nil
}

// configured returns the client, or ErrNotConfigured.
func (s *Session) configured() (*oidc.Client, error) {
	if c := s.client.Load(); c != nil {
		return c, nil
	}
	return nil, ErrNotConfigured
}

// load reads the session from the store. There is always either a session or an
// error; no session is a [*SignInNeededError].
func (s *Session) load(ctx context.Context) (*stored, error) {
	if s.opts.Machine != nil {
		return s.loadMachine(ctx)
	}
	if _, err := s.configured(); err != nil {
		return nil, err
	}
	r, err := s.loadOnce(ctx)
	for try := 0; try < tornTries && errors.Is(err, ErrCorrupt); try++ {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(tornPause):
		}
		r, err = s.loadOnce(ctx)
	}
	if err != nil {
		return nil, err
	}
	return r, s.fits(r)
}

// Python tokentoss writes its file in place, so that a reader may meet half of
// it. Only what stays damaged is damaged.
const (
	tornTries = 3
	tornPause = 20 * time.Millisecond
)

func (s *Session) loadOnce(ctx context.Context) (*stored, error) {
	rec, err := s.opts.Store.Load(ctx, s.key)
	if errors.Is(err, ErrNotFound) {
		return nil, &SignInNeededError{Cause: CauseSignedOut}
	}
	if err != nil {
		return nil, err
	}
	r, err := decodeRecord(rec)
	if err != nil {
		return nil, s.locate(err)
	}
	return r, nil
}

// fits tells whether a stored session belongs to this client.
func (s *Session) fits(r *stored) error {
	c := s.client.Load()
	if r.Machine != "" || r.ClientID != c.ID || !(oidc.Provider{Issuer: c.Issuer()}).Issued(r.Issuer) {
		return &SignInNeededError{Cause: CauseOtherClient, Email: r.UserEmail}
	}
	return nil
}

// locate adds where the document is, if the store can tell.
func (s *Session) locate(err error) error {
	if path := Full(s.opts.Store).Path(s.key); path != "" {
		return fmt.Errorf("%s: %w", path, err)
	}
	return fmt.Errorf("session %q: %w", s.key, err)
}

// reload loads the session and publishes it when it is not older than what is
// cached. A token that could not be saved outlives the store's older one.
func (s *Session) reload(ctx context.Context) (*snapshot, error) {
	if s.ctx.Err() != nil {
		return nil, ErrClosed
	}
	s.mu.Lock()
	epoch, old := s.epoch, s.cached.Load()
	s.mu.Unlock()
	r, err := s.load(ctx)
	if err != nil {
		// A process that holds a session which the store could not take goes on
		// with it.
		if old != nil && old.unsaved {
			return old, nil
		}
		if old != nil && errors.Is(err, ErrSignInNeeded) {
			s.publish(old, nil, epoch) // another process signed out
		}
		return nil, err
	}
	if old != nil && old.unsaved && old.token.Generation > r.Generation {
		return old, nil
	}
	if old != nil && old.record.revision == r.revision {
		return old, nil
	}
	snap := newSnapshot(r, s.opts.Lifetime)
	s.publish(old, snap, epoch)
	return snap, nil
}

// publish makes snap the one that readers see in old's place, and tells the
// watchers. What a refresh, a sign-in or a sign-out has overtaken since old and
// epoch were read is not published.
func (s *Session) publish(old, snap *snapshot, epoch uint64) {
	s.mu.Lock()
	if s.epoch == epoch {
		s.cached.CompareAndSwap(old, snap)
	}
	s.mu.Unlock()
	s.notify()
}

// replace begins anew with what a sign-in brought, or with nothing.
func (s *Session) replace(snap *snapshot) {
	s.mu.Lock()
	if s.closed {
		snap = nil // a sign-in may outlast Close; there are no tokens all the same
	}
	s.epoch++
	s.failed = nil
	s.cached.Store(snap)
	s.mu.Unlock()
	s.notify()
}
