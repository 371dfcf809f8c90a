package core

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Python tokentoss writes its file in place, so that a reader may meet half of
// it. Only what stays damaged is damaged.
const (
	tornTries = 3
	tornPause = 20 * time.Millisecond
)

// read reads the session from the store, or returns [ErrNotFound].
func (s *Session) read(ctx context.Context) (*stored, error) {
	r, err := s.readOnce(ctx)
	for try := 0; try < tornTries && errors.Is(err, ErrCorrupt); try++ {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(tornPause):
		}
		r, err = s.readOnce(ctx)
	}
	return r, err
}

func (s *Session) readOnce(ctx context.Context) (*stored, error) {
	rec, err := s.opts.Store.Load(ctx, s.key)
	if err != nil {
		return nil, err
	}
	r, err := decodeRecord(rec)
	if err != nil {
		return nil, s.withPath(err)
	}
	return r, nil
}

// withPath adds where the document is, if the store can tell.
func (s *Session) withPath(err error) error {
	if path := Full(s.opts.Store).Path(s.key); path != "" {
		return fmt.Errorf("%s: %w", path, err)
	}
	return fmt.Errorf("session %q: %w", s.key, err)
}

// quarantine moves a document that cannot be read out of the way, where the store
// is able to.
func (s *Session) quarantine(ctx context.Context, reason error) error {
	where, err := Full(s.opts.Store).Quarantine(ctx, s.key)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return fmt.Errorf("%w; sign out to remove it", reason)
	case err != nil && err.Error() == reason.Error(): // what is there is not the store's to move
		return err
	case err != nil:
		return fmt.Errorf("%w; it could not be set aside: %w", reason, err)
	}
	s.log.Warn("a session that could not be used was set aside", "reason", reason, "kept", where)
	return nil
}

// saveRefreshed saves a refreshed session and returns what to publish. A store that
// cannot take it costs the other processes a refresh, not this one its token.
func (s *Session) saveRefreshed(ctx context.Context, before, next *stored) (*snapshot, error) {
	saved, err := s.save(ctx, next)
	if errors.Is(err, ErrConflict) {
		return s.resolveConflict(ctx, before, next)
	}
	return s.published(saved, next, err), nil
}

// published returns what to publish after a save that succeeded, or did not.
func (s *Session) published(saved, next *stored, err error) *snapshot {
	if err == nil {
		return s.snapshot(saved)
	}
	s.log.Warn("the refreshed session could not be saved; this process goes on with it", "error", err)
	snap := s.snapshot(next)
	snap.unsaved = true
	return snap
}

// resolveConflict settles a save that came too late: somebody changed the document while
// the provider was asked, without the lock (a sign-in, a sign-out, or Python
// tokentoss).
func (s *Session) resolveConflict(ctx context.Context, before, next *stored) (*snapshot, error) {
	theirs, err := s.grant.load(ctx)
	if err != nil {
		return nil, err // signed out, most likely: then that counts
	}
	// Of the same sign-in, a lower generation is older than what was refreshed here,
	// which the store did not have: a note of a failure, as a rule.
	older := theirs.CreatedAt == before.CreatedAt && theirs.Generation < before.Generation
	if !older && (theirs.RefreshToken != before.RefreshToken || theirs.CreatedAt != before.CreatedAt) {
		return s.snapshot(theirs), nil // a newer sign-in or grant
	}
	next.revision = theirs.revision
	saved, err := s.save(ctx, next)
	return s.published(saved, next, err), nil
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
