package core

import (
	"context"
	"time"
)

// watchInterval is how often Watch looks for what other processes did.
const watchInterval = time.Second

// Status implements [App]. It reads the store, so it shows what other processes
// did as well.
func (s *Session) Status(ctx context.Context) (Status, error) { return s.grant.status(ctx) }

// statusOf describes a session.
func (s *Session) statusOf(snap *snapshot) Status {
	r := snap.record
	st := Status{
		State: SignedIn, Email: r.UserEmail, PreferredUsername: r.claims.PreferredUsername, Subject: r.Subject, HostedDomain: r.HD, Issuer: r.Issuer, ClientID: r.ClientID,
		Scopes: r.Scopes, SignedInAt: parseTime(r.CreatedAt), TokenExpiry: r.claims.Expiry, SessionEnds: snap.ends,
		Refreshable: r.RefreshToken != "",
	}
	// A session that cannot be refreshed ends with its token.
	if last := st.TokenExpiry; !st.Refreshable && (st.SessionEnds.IsZero() || last.Before(st.SessionEnds)) {
		st.SessionEnds = last
	}
	now := s.now()
	var problem *SignInNeededError
	switch {
	case snap.ended(now):
		problem = &SignInNeededError{Cause: CauseTooOld, Email: r.account()}
	case r.Failure != nil && r.Failure.Cause != "":
		problem = &SignInNeededError{Cause: r.Failure.Cause, Email: r.account()}
	case !st.Refreshable && !snap.valid(now):
		problem = &SignInNeededError{Cause: CauseNoRefresh, Email: r.account()}
	default:
		return st
	}
	st.State, st.Reason = NeedsSignIn, problem.Error()
	return st
}

// Watch implements [App].
func (s *Session) Watch(ctx context.Context) (<-chan Status, error) {
	first, err := s.Status(ctx)
	if err != nil {
		return nil, err
	}
	wake := make(chan struct{}, 1)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	s.watchers[wake] = true
	s.work.Add(1)
	s.mu.Unlock()
	out := make(chan Status, 1)
	out <- first
	go func() {
		defer s.work.Done()
		defer close(out)
		defer func() {
			s.mu.Lock()
			delete(s.watchers, wake)
			s.mu.Unlock()
		}()
		s.watch(ctx, wake, out, first)
	}()
	return out, nil
}

// watch sends each change to out, replacing one that was not yet received.
func (s *Session) watch(ctx context.Context, wake <-chan struct{}, out chan Status, last Status) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.ctx.Done():
			return
		case <-wake:
		case <-tick.C:
		}
		now, err := s.Status(ctx)
		if err != nil || same(now, last) {
			continue
		}
		last = now
		select {
		case <-out:
		default:
		}
		out <- now
	}
}

// same compares two states as a person would see them.
func same(a, b Status) bool {
	return a.State == b.State && a.Email == b.Email && a.Subject == b.Subject && a.ClientID == b.ClientID &&
		a.Reason == b.Reason && a.TokenExpiry.Equal(b.TokenExpiry) && a.SignedInAt.Equal(b.SignedInAt)
}

// notify wakes the watchers. One wake-up stands for any number of changes.
func (s *Session) notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}
