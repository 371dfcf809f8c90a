package core

import (
	"context"
	"errors"
	"hash/fnv"
	"io"
	"math"
	"time"
)

const (
	// earlyLeast and earlyPart say how long before its expiry a token is refreshed in
	// the background at the latest: the greater of the two, but never more than a
	// quarter of its life. At the earliest that is spreadPart of its life before.
	earlyLeast = 5 * time.Minute
	earlyPart  = 0.1
	spreadPart = 0.6

	// blockBefore is how long before its expiry a token is no longer given out, but
	// never more than a tenth of its life.
	blockBefore = 30 * time.Second

	// clockJump is how far a clock may go back before a stored token's age is no
	// longer believed.
	clockJump = 30 * time.Second
)

// A snapshot is what a session last published. It is never changed, so that
// reading it takes one atomic load.
type snapshot struct {
	token IDToken
	from  time.Time // when the token was obtained, by this machine's clock
	early time.Time // from then on, refresh in the background
	until time.Time // from then on, do not give it out
	ends  time.Time // when the session itself ends; zero: never

	// expiry is the token's, by this machine's clock.
	expiry time.Time

	// unsaved: the store does not have this token.
	unsaved bool
	record  *stored
}

// newSnapshot works out the times of a session.
func newSnapshot(r *stored, lifetime time.Duration) *snapshot {
	c := r.claims
	from := parseTime(r.ObtainedAt)
	left := time.Duration(r.ValidFor * float64(time.Second))
	if from.IsZero() || left <= 0 { // written by Python tokentoss
		from, left = c.IssuedAt, c.Expiry.Sub(c.IssuedAt)
	}
	s := &snapshot{
		token: IDToken{
			Value: Secret(r.IDToken), Issuer: c.Issuer, Subject: c.Subject, Email: c.Email,
			Audience: r.ClientID, IssuedAt: c.IssuedAt, Expiry: c.Expiry, Generation: r.Generation,
		},
		from: from, early: from.Add(left - early(r.IDToken, left)), until: from.Add(left - min(blockBefore, left/10)),
		expiry: from.Add(left),
		record: r,
	}
	if created := parseTime(r.CreatedAt); lifetime > 0 && !created.IsZero() {
		s.ends = created.Add(lifetime)
	}
	return s
}

// early is how long before its expiry a token that lives so long is refreshed in the
// background: somewhere in the last part of its life, so that people who signed in
// together do not renew together. Where is in the token, so that all processes agree.
func early(idToken string, life time.Duration) time.Duration {
	least := min(max(earlyLeast, time.Duration(float64(life)*earlyPart)), life/4)
	most := time.Duration(float64(life) * spreadPart)
	h := fnv.New32a()
	_, _ = io.WriteString(h, idToken)
	return least + time.Duration(float64(most-least)*float64(h.Sum32())/math.MaxUint32)
}

// ended tells whether the session is older than it may get.
func (s *snapshot) ended(now time.Time) bool { return !s.ends.IsZero() && !now.Before(s.ends) }

// fresh tells whether the token can be given out and needs nothing.
func (s *snapshot) fresh(now time.Time) bool { return s.valid(now) && now.Before(s.early) }

// valid tells whether the token can be given out. A token from the future means
// that the clock went back: its age is not known.
func (s *snapshot) valid(now time.Time) bool {
	return now.Before(s.until) && !now.Before(s.from.Add(-clockJump)) && !s.ended(now)
}

// lasts tells whether the token is valid for at least least: where no token lives so
// long, whether it has lived less than half of its life.
func (s *snapshot) lasts(now time.Time, least time.Duration) bool {
	if life := s.expiry.Sub(s.from); life < least {
		least = life / 2
	}
	return s.expiry.Sub(now) >= least
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
	r, err := s.grant.load(ctx)
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
