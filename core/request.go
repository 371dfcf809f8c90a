package core

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// request asks the provider for new tokens and saves them.
func (s *Session) request(ctx context.Context, r *stored, renew bool) (*snapshot, error) {
	if s.opts.Machine != nil {
		return s.requestMachine(ctx, r, renew)
	}
	client, err := s.configured()
	if err != nil {
		return nil, err
	}
	earlier := r.claims
	if r.Nonce != "" {
		earlier.Nonce = r.Nonce // of the sign-in: most tokens of a refresh have none
	}
	token, claims, err := client.Refresh(ctx, Secret(r.RefreshToken), &earlier)
	if errors.Is(err, oidc.ErrOtherSubject) {
		err = &SignInNeededError{Cause: CauseOtherPerson, Email: r.UserEmail}
	}
	if err != nil {
		if token != nil && token.RefreshToken != "" && !errors.Is(err, ErrSignInNeeded) {
			// The provider may have rotated it all the same: the old one is dead then.
			kept := *r
			kept.RefreshToken = token.RefreshToken.Reveal()
			r = &kept
		}
		return s.refused(ctx, r, renew, err)
	}
	next := r.refreshed(token, claims, s.now())
	if renew {
		next.RenewedAt = stamp(s.now())
	}
	s.log.Info("refreshed the ID token", "email", next.UserEmail, "expiry", next.claims.Expiry)
	return s.keep(ctx, r, next)
}

// refreshed returns the session after a refresh. A provider that sends no new
// refresh token means the old one to be kept (RFC 6749 section 6).
func (r *stored) refreshed(t *Token, claims oidc.Claims, now time.Time) *stored {
	next := *r
	next.claims = claims
	next.IDToken, next.AccessToken = t.IDToken.Reveal(), t.AccessToken.Reveal()
	if t.RefreshToken != "" {
		next.RefreshToken = t.RefreshToken.Reveal()
	}
	if len(t.Scopes) > 0 {
		next.Scopes = t.Scopes
	}
	next.Expiry = stamp(claims.Expiry)
	next.Generation++
	next.Version, next.Failure = recordVersion, nil
	next.ObtainedAt = stamp(now)
	next.ValidFor = claims.Expiry.Sub(now.Add(-t.ClockOffset)).Seconds()
	return &next
}

// keep saves a refreshed session and returns what to publish. A store that
// cannot take it costs the other processes a refresh, not this one its token.
func (s *Session) keep(ctx context.Context, before, next *stored) (*snapshot, error) {
	saved, err := s.save(ctx, next)
	if errors.Is(err, ErrConflict) {
		return s.merge(ctx, before, next)
	}
	return s.kept(saved, next, err), nil
}

// kept returns what to publish after a save that succeeded, or did not.
func (s *Session) kept(saved, next *stored, err error) *snapshot {
	if err == nil {
		return newSnapshot(saved, s.opts.Lifetime)
	}
	s.log.Warn("the refreshed session could not be saved; this process goes on with it", "error", err)
	snap := newSnapshot(next, s.opts.Lifetime)
	snap.unsaved = true
	return snap
}

// merge settles a save that came too late: somebody changed the document while
// the provider was asked, without the lock (a sign-in, a sign-out, or Python
// tokentoss).
func (s *Session) merge(ctx context.Context, before, next *stored) (*snapshot, error) {
	theirs, err := s.load(ctx)
	if err != nil {
		return nil, err // signed out, most likely: then that counts
	}
	// Of the same sign-in, a lower generation is older than what was refreshed here,
	// which the store did not have: a note of a failure, as a rule.
	older := theirs.CreatedAt == before.CreatedAt && theirs.Generation < before.Generation
	if !older && (theirs.RefreshToken != before.RefreshToken || theirs.CreatedAt != before.CreatedAt) {
		return newSnapshot(theirs, s.opts.Lifetime), nil // a newer sign-in or grant
	}
	next.revision = theirs.revision
	saved, err := s.save(ctx, next)
	return s.kept(saved, next, err), nil
}

// save stores r, with the fields of other programs that the stored document has.
func (s *Session) save(ctx context.Context, r *stored) (*stored, error) {
	if r.revision != "" {
		old, err := s.opts.Store.Load(ctx, s.key)
		switch {
		case errors.Is(err, ErrNotFound):
			return nil, fmt.Errorf("%w: the session was removed", ErrConflict)
		case err != nil:
			return nil, err
		case old.Revision != r.revision:
			return nil, ErrConflict
		}
		r.keepUnknown(old)
	}
	rec, err := r.encode()
	if err != nil {
		return nil, err
	}
	rec, err = s.opts.Store.Save(ctx, s.key, rec)
	if err != nil {
		return nil, err
	}
	saved := *r
	saved.revision = rec.Revision
	return &saved, nil
}

// refused handles a refresh that failed: nothing is deleted, and what the
// provider said is noted where the other processes find it.
func (s *Session) refused(ctx context.Context, r *stored, renew bool, err error) (*snapshot, error) {
	var pe *oidc.ProviderError
	cause, ends := Cause(""), false
	if errors.As(err, &pe) && s.opts.Machine == nil { // nobody signs a machine in: it tries again
		cause, ends = endOf(pe)
	}
	if ends {
		// Somebody who does not use the lock may have had the refresh token
		// rotated: then the store has a newer one.
		if now, lerr := s.load(ctx); lerr == nil && now.RefreshToken != r.RefreshToken {
			if current := newSnapshot(now, s.opts.Lifetime); current.fresh(s.now()) {
				return current, nil
			}
			return s.request(ctx, now, renew)
		}
		err = &SignInNeededError{Cause: cause, Email: r.UserEmail, Err: pe}
	}
	next := *r
	if next.Failure = newFailure(err, cause, s.now()); next.Failure == nil {
		return nil, err
	}
	if _, serr := s.save(ctx, &next); serr != nil {
		s.log.Debug("the failed refresh could not be noted", "error", serr)
	}
	return nil, err
}

// newFailure returns what to note of err, or nil when no answer was had.
func newFailure(err error, cause Cause, now time.Time) *failure {
	f := &failure{At: stamp(now), Cause: cause}
	wait := failureWindow
	var pe *oidc.ProviderError
	var claim *oidc.ClaimError
	var clock *oidc.ClockError
	switch {
	case errors.As(err, &pe) && !pe.Offline:
		f.Host, f.Status, f.Code, f.Sub, f.Text = pe.Host, pe.Status, pe.Code, pe.Subtype, pe.Problem
		f.Kind, f.Next = pe.Kind, pe.Next.String()
		wait = max(pe.RetryAfter, failureWindow)
	case errors.As(err, &claim):
		f.Claim, f.Text = claim.Claim, claim.Problem
	case errors.As(err, &clock):
		f.Claim, f.Offset = clock.Claim, clock.Offset
	default:
		return nil
	}
	if cause == "" {
		f.Until = stamp(now.Add(wait))
	}
	return f
}

// standing returns the error that a noted failure still means for a caller who
// began at began: for good when a sign-in is needed; otherwise for those who
// were already waiting, and for the time that was set.
func (f *failure) standing(email string, began, now time.Time) error {
	if f.Cause != "" {
		return &SignInNeededError{Cause: f.Cause, Email: email, Err: f.provider()}
	}
	at, until := readStamp(f.At), readStamp(f.Until)
	waiting := !at.Before(began) && !at.After(now)
	if left := until.Sub(now); waiting || left > 0 && left <= time.Minute {
		return f.error(now)
	}
	return nil
}

// error returns the error that was noted.
func (f *failure) error(now time.Time) error {
	switch {
	case f.Claim != "" && f.Text == "":
		return &oidc.ClockError{Claim: f.Claim, Offset: f.Offset}
	case f.Claim != "":
		return &oidc.ClaimError{Claim: f.Claim, Problem: f.Text}
	}
	pe := f.provider()
	pe.RetryAfter = max(readStamp(f.Until).Sub(now), 0)
	return pe
}

func (f *failure) provider() *oidc.ProviderError {
	return &oidc.ProviderError{Endpoint: "token", Host: f.Host, Status: f.Status, Code: f.Code, Subtype: f.Sub, Problem: f.Text, Kind: f.Kind, Next: fault.Remedy{Text: f.Next}}
}
