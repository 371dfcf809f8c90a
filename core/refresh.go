package core

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tokentoss/tokentoss/core/oidc"
)

const (
	// failureWindow is how long a failed refresh answers for the callers that
	// come after it, when the provider does not say. With each failure that follows it
	// is twice as long, up to longestWindow.
	failureWindow = 5 * time.Second
	longestWindow = 32 * time.Second

	// oneOutage is how soon after another a failure follows it.
	oneOutage = 10 * time.Minute

	// renewWindow is the least time between two renewals of refused tokens, so
	// that one broken service cannot cause a stream of refreshes.
	renewWindow = 10 * time.Second

	// refreshTimeout bounds a refresh; the wait for the lock comes on top.
	refreshTimeout = oidc.RequestTimeout + 5*time.Second
)

// A refreshCall is one refresh, which any number of callers wait for.
type refreshCall struct {
	done       chan struct{}
	epoch      uint64 // of the session when the call began
	background bool   // it began in the background: there may be nobody to give its error to
	snap       *snapshot
	err        error
}

// A failedRefresh answers for the provider until it is over, or until the
// store holds another session.
type failedRefresh struct {
	err   error
	state string // what the refresh was tried with
	at    time.Time
	until time.Time // for callers who wait; zero: for good, and for all
}

// await joins the refresh that is under way, or starts one. Only the caller's
// wait ends with ctx; the refresh goes on for the others.
func (s *Session) await(ctx context.Context, snap *snapshot, renew bool) (IDToken, error) {
	for {
		f, joined, err := s.start(snap, renew, false)
		if err != nil {
			return IDToken{}, err
		}
		select {
		case <-ctx.Done():
			return IDToken{}, ctx.Err()
		case <-f.done:
		}
		if f.err != nil && f.background && joined {
			continue // it may have waited for a better moment, which this caller cannot
		}
		if f.err != nil {
			return IDToken{}, f.err
		}
		// A call that began for another reason may have ended with the very
		// token that this caller's service refused.
		if renew && joined && f.snap.token.Value == snap.token.Value {
			continue
		}
		return f.snap.token, nil
	}
}

// start returns the call to wait for. joined tells that it was under way.
func (s *Session) start(snap *snapshot, renew, background bool) (f *refreshCall, joined bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false, ErrClosed
	}
	if s.refreshing != nil {
		return s.refreshing, true, nil
	}
	// The call that would have been joined may have just ended.
	if now := s.cached.Load(); now != nil && now.token.Value != snap.token.Value && now.valid(s.now()) {
		f := &refreshCall{done: make(chan struct{}), snap: now}
		close(f.done)
		return f, false, nil
	}
	if err := s.grant.ready(nil); err != nil {
		return nil, false, err
	}
	if err := s.cachedFailure(snap, background); err != nil {
		return nil, false, err
	}
	f = &refreshCall{done: make(chan struct{}), epoch: s.epoch, background: background}
	s.refreshing = f
	s.work.Add(1)
	go s.runRefresh(f, snap, renew)
	return f, false, nil
}

// cachedFailure returns the failure of the last refresh, if it still answers. s.mu is held.
func (s *Session) cachedFailure(snap *snapshot, background bool) error {
	f, now := s.failed, s.now()
	if f == nil || f.state != snap.record.state() {
		return nil
	}
	over := now.Before(f.at) || !now.Before(f.until) // the former: the clock was set back
	if background {
		over = snap.schedule.due(f.at, now)
	}
	if over && !f.until.IsZero() {
		return nil
	}
	return f.err
}

// refreshInBackground starts a refresh that nobody waits for but Close, unless
// there is one, or the last failed moments ago.
func (s *Session) refreshInBackground(snap *snapshot) {
	if _, _, err := s.start(snap, false, true); err != nil {
		s.log.Debug("no refresh in the background", "reason", err)
	}
}

// runRefresh runs a refresh and publishes its outcome.
func (s *Session) runRefresh(f *refreshCall, snap *snapshot, renew bool) {
	defer s.work.Done()
	next, err := s.refresh(snap, renew)
	// The token is published together with the end of the call: nobody may
	// see neither, and start another.
	s.mu.Lock()
	s.refreshing = nil
	switch {
	case s.epoch != f.epoch: // signed in or out meanwhile: that counts
	case err == nil:
		s.failed = nil
		s.cached.Store(next)
	default:
		s.failed = s.cacheable(err, snap, f.background)
	}
	s.mu.Unlock()
	if err != nil && !errors.Is(err, ErrClosed) { // whoever closes a session knows
		level := slog.LevelInfo // a caller gets the error
		if f.background {
			level = slog.LevelWarn
		}
		s.log.Log(s.ctx, level, "refresh failed", "error", err)
	}
	s.notify()
	f.snap, f.err = next, err
	close(f.done)
}

// cacheable decides how long err answers for the provider. Callers who wait find
// in the store what an attempt in the background has noted.
func (s *Session) cacheable(err error, snap *snapshot, background bool) *failedRefresh {
	now := s.now()
	r := &failedRefresh{err: err, state: snap.record.state(), at: now}
	var pe *oidc.ProviderError
	var sn *SignInNeededError
	var claim *oidc.ClaimError
	switch {
	case errors.As(err, &sn) && sn.Cause == CauseTooOld:
		return nil // that is found out without a request, and a clock may be set back
	case errors.As(err, &sn):
		// For good, for this state of the session.
	case errors.Is(err, ErrRenewedRecently), errors.Is(err, context.Canceled):
		return nil
	case background, errors.As(err, &pe) && pe.Offline: // nothing was sent
		r.until = now
	case errors.As(err, &pe):
		r.until = now.Add(max(pe.RetryAfter, failureWindow))
	case errors.As(err, &claim), errors.As(err, new(*oidc.ClockError)):
		r.until = now.Add(failureWindow)
	default: // of the store, which costs no request
		r.until = now.Add(time.Second)
	}
	return r
}

// refresh is the protocol that makes one request of many wishes: read, lock,
// read again, ask the provider, save durably, unlock.
func (s *Session) refresh(snap *snapshot, renew bool) (*snapshot, error) {
	began := s.now()
	// The end of s.ctx (Close) ends the wait for the lock, and nothing later: an
	// answer of the provider must not be lost.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), refreshTimeout+s.opts.LockTimeout)
	defer cancel()
	if _, next, err := s.reread(ctx, snap, renew, began); next != nil || err != nil {
		return next, err
	}
	release, err := s.lock()
	if err != nil {
		return nil, err
	}
	defer release()
	r, next, err := s.reread(ctx, snap, renew, began)
	if next != nil || err != nil {
		return next, err
	}
	return s.request(ctx, r, renew)
}

// reread reads the store. What it says may already answer: with another process's
// token, or with another process's failure. Otherwise r is the session to
// refresh.
func (s *Session) reread(ctx context.Context, snap *snapshot, renew bool, began time.Time) (r *stored, next *snapshot, err error) {
	r, err = s.grant.load(ctx)
	unsaved := snap.unsaved && (err != nil || r.Generation < snap.token.Generation)
	if unsaved {
		r, err = snap.record, nil // the store is out of order; this process goes on
	}
	if err != nil {
		return nil, nil, err
	}
	now := s.now()
	current := s.snapshot(r)
	current.unsaved = unsaved
	if current.ended(now) {
		return nil, nil, &SignInNeededError{Cause: CauseTooOld, Email: r.account()}
	}
	if renew && current.token.Value != snap.token.Value && current.valid(now) || !renew && current.fresh(now) {
		return nil, current, nil
	}
	if r.Failure != nil {
		if err := r.Failure.standing(r.UserEmail, began, now); err != nil {
			return nil, nil, err
		}
		if !renew && current.valid(now) && !current.schedule.due(parseTime(r.Failure.At), now) {
			return nil, nil, r.Failure.error(now)
		}
	}
	if err := s.grant.ready(r); err != nil {
		return nil, nil, err
	}
	if since := now.Sub(parseTime(r.RenewedAt)); renew && since >= 0 && since < renewWindow {
		return nil, nil, ErrRenewedRecently
	}
	return r, nil, nil
}

// lock takes the store's lock, if it has one. Where it cannot be had, because a
// holder is stopped or the directory is read-only, the refresh goes ahead: the
// revision check protects the store, and a session is worth a second request.
func (s *Session) lock() (release func(), err error) {
	none := func() {}
	if !CapabilitiesOf(s.opts.Store).Locking {
		return none, nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.LockTimeout)
	defer cancel()
	lease, err := Full(s.opts.Store).Lock(ctx, s.key)
	switch {
	case err == nil:
		return func() { _ = lease.Release() }, nil
	case s.ctx.Err() != nil:
		return nil, ErrClosed
	}
	level := slog.LevelWarn
	if errors.Is(err, ErrReadOnly) {
		level = slog.LevelInfo // the save will fail, too, and say so
	}
	s.log.Log(s.ctx, level, "refreshing without the lock", "reason", err)
	return none, nil
}

// request has the grant request tokens, and saves what comes of it.
func (s *Session) request(ctx context.Context, r *stored, renew bool) (*snapshot, error) {
	early := !renew && s.snapshot(r).valid(s.now())
	next, err := s.grant.request(ctx, r)
	if err != nil {
		return s.refreshFailed(ctx, r, next, renew, err)
	}
	next.RefreshedEarly = early
	if renew {
		next.RenewedAt = formatTime(s.now())
	}
	return s.saveRefreshed(ctx, r, next)
}

// refreshFailed handles a refresh that failed: nothing is deleted, and what the
// provider said is noted where the other processes find it. The refresh was tried with
// before, and leaves after.
func (s *Session) refreshFailed(ctx context.Context, before, after *stored, renew bool, err error) (*snapshot, error) {
	cause, final := s.grant.final(err)
	if final {
		// Somebody who does not use the lock may have had the refresh token
		// rotated: then the store has a newer one.
		if now, lerr := s.grant.load(ctx); lerr == nil && now.RefreshToken != before.RefreshToken {
			if current := s.snapshot(now); current.fresh(s.now()) {
				return current, nil
			}
			return s.request(ctx, now, renew)
		}
		err = &SignInNeededError{Cause: cause, Email: before.account(), Err: err}
	}
	next := *after
	if next.Failure = newFailure(err, cause, s.now(), before.Failure); next.Failure == nil {
		return nil, err
	}
	if _, serr := s.save(ctx, &next); serr != nil {
		s.log.Debug("the failed refresh could not be noted", "error", serr)
	}
	return nil, err
}
