package core

import (
	"context"
	"errors"
	"time"
)

// clockJump is how far a clock may go back before a stored token's age is no
// longer believed.
const clockJump = 30 * time.Second

// A snapshot is what a session last published. It is never changed, so that
// reading it takes one atomic load.
type snapshot struct {
	token IDToken
	from  time.Time // when the token was obtained, by this machine's clock
	ends  time.Time // when the session itself ends; zero: never

	schedule schedule

	// expiry is the token's, by this machine's clock.
	expiry time.Time

	// unsaved: the store does not have this token.
	unsaved bool
	record  *stored
}

// snapshot works out the times of a session.
func (s *Session) snapshot(r *stored) *snapshot { return newSnapshot(r, s.opts.Lifetime, s.host) }

func newSnapshot(r *stored, lifetime time.Duration, host func() string) *snapshot {
	c := r.claims
	from, left := r.obtained(host)
	s := &snapshot{
		token: IDToken{
			Value: Secret(r.IDToken), Issuer: c.Issuer, Subject: c.Subject, Email: c.Email,
			Audience: r.ClientID, IssuedAt: c.IssuedAt, Expiry: c.Expiry, Generation: r.Generation,
		},
		from: from, expiry: from.Add(left),
		schedule: newSchedule(r.IDToken, from, left, r.RefreshedEarly),
		record:   r,
	}
	if created := parseTime(r.CreatedAt); lifetime > 0 && !created.IsZero() {
		s.ends = created.Add(lifetime)
	}
	return s
}

// ended tells whether the session is older than it may get.
func (s *snapshot) ended(now time.Time) bool { return !s.ends.IsZero() && !now.Before(s.ends) }

// fresh tells whether the token can be given out and needs nothing.
func (s *snapshot) fresh(now time.Time) bool { return s.valid(now) && now.Before(s.schedule.first) }

// valid tells whether the token can be given out. A token from the future means
// that the clock went back: its age is not known.
func (s *snapshot) valid(now time.Time) bool {
	return now.Before(s.schedule.last) && !now.Before(s.from.Add(-clockJump)) && !s.ended(now)
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
	snap := s.snapshot(r)
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
