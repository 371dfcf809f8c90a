package core

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokentoss/tokentoss/core/oidc"
)

// checkTimeout is how long a store may take to say whether it can keep a session.
// It may have to ask a person, for a passphrase or to unlock a keyring.
const checkTimeout = 2 * time.Minute

// saveTries is how often a sign-in is saved while others change the document.
const saveTries = 5

// SignIn implements [App]. It takes no lock while the person is asked. When the
// sign-in fails, the session is as it was before.
//
// Where the session cannot be saved, the error wraps [ErrNotSaved] and this
// process is signed in all the same.
//
// A machine needs no sign-in; what is stored and cannot be read is set aside, and a
// token is obtained to see that it can be.
func (s *Session) SignIn(ctx context.Context, p Prompter) (Status, error) {
	if s.opts.Machine != nil {
		if _, err := s.IDToken(ctx); err != nil {
			return Status{}, err
		}
		return s.Status(ctx)
	}
	client, err := s.configured()
	if err != nil {
		return Status{State: NotConfigured}, err
	}
	if s.opts.Flow == nil {
		return Status{}, ErrNoFlow
	}
	if s.ctx.Err() != nil {
		return Status{}, ErrClosed
	}
	// Before a person is troubled: is there a store that can take the session?
	old, err := s.prepare(ctx)
	if err != nil {
		return Status{}, err
	}
	asking := *client
	asking.Consent = old != nil && old.RefreshToken == ""
	token, err := s.opts.Flow(&asking).SignIn(ctx, p)
	if err != nil {
		return Status{}, err
	}
	r, err := s.accept(client, token)
	if err != nil {
		return Status{}, err
	}
	saved, err := s.saveSignIn(ctx, r)
	if err != nil {
		snap := newSnapshot(r, s.opts.Lifetime)
		snap.unsaved = true
		s.replace(snap)
		return s.statusOf(snap), fmt.Errorf("%w: %w", ErrNotSaved, err)
	}
	snap := newSnapshot(saved, s.opts.Lifetime)
	s.replace(snap)
	s.log.Info("signed in", "email", saved.UserEmail, "issuer", saved.Issuer)
	return s.statusOf(snap), nil
}

// prepare finds out, before the browser opens, whether the session could be
// saved, and returns the present one if there is one. A damaged document is set
// aside, never overwritten.
func (s *Session) prepare(ctx context.Context) (*stored, error) {
	r, err := s.load(ctx)
	var newer *NewerRecordError
	switch {
	case errors.As(err, &newer):
		return nil, err
	case errors.Is(err, ErrCorrupt), errors.Is(err, ErrInsecure), errors.Is(err, ErrTooLarge):
		if err := s.setAside(ctx, err); err != nil {
			return nil, err
		}
	case err != nil && !errors.Is(err, ErrSignInNeeded):
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := Full(s.opts.Store).Check(ctx, s.key); err != nil {
		return nil, fmt.Errorf("a session could not be saved: %w", err)
	}
	return r, nil
}

// setAside moves a document that cannot be read out of the way, where the store
// is able to.
func (s *Session) setAside(ctx context.Context, reason error) error {
	where, err := Full(s.opts.Store).Quarantine(ctx, s.key)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return fmt.Errorf("%w; sign out to remove it", reason)
	case err != nil:
		return fmt.Errorf("%w; it could not be set aside: %w", reason, err)
	}
	s.log.Warn("a session that could not be used was set aside", "reason", reason, "kept", where)
	return nil
}

// accept checks what a flow brought and makes a session of it. The checks stand
// here too since anybody can write a Flow.
func (s *Session) accept(client *oidc.Client, token *Token) (*stored, error) {
	claims, err := client.SignInClaims(token)
	if err != nil {
		return nil, err
	}
	now := s.now()
	r := &stored{claims: claims, document: document{
		AccessToken: token.AccessToken.Reveal(), IDToken: token.IDToken.Reveal(), RefreshToken: token.RefreshToken.Reveal(),
		Expiry: stamp(claims.Expiry), Scopes: token.Scopes, UserEmail: claims.Email, CreatedAt: stamp(now),
		Version: recordVersion, Issuer: claims.Issuer, ClientID: client.ID, Subject: claims.Subject, HD: claims.HostedDomain,
		Nonce: token.Nonce, Generation: 1, ObtainedAt: stamp(now), ValidFor: claims.Expiry.Sub(now.Add(-token.ClockOffset)).Seconds(),
	}}
	return r, nil
}

// saveSignIn stores a new session over whatever is there: the last sign-in wins.
func (s *Session) saveSignIn(ctx context.Context, r *stored) (saved *stored, err error) {
	// The person has signed in: an interrupt must not lose that halfway.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), oidc.RequestTimeout)
	defer cancel()
	for range saveTries {
		old, lerr := s.opts.Store.Load(ctx, s.key)
		switch {
		case lerr == nil:
			r.revision = old.Revision
			before, derr := decodeRecord(old)
			var newer *NewerRecordError
			if errors.As(derr, &newer) {
				return nil, derr
			}
			if derr == nil {
				r.Generation = before.Generation + 1
			}
		case errors.Is(lerr, ErrNotFound):
			r.revision = ""
		default:
			return nil, lerr
		}
		if saved, err = s.save(ctx, r); !errors.Is(err, ErrConflict) {
			return saved, err
		}
		time.Sleep(time.Millisecond)
	}
	return nil, err
}

// SignOut implements [App]. The provider is told first, as the token to revoke
// is gone afterwards.
//
// A machine's tokens cannot be revoked; they are forgotten. Its next call obtains
// others.
func (s *Session) SignOut(ctx context.Context) error {
	if s.opts.Machine != nil {
		if _, err := s.load(ctx); errors.As(err, new(*PersonsSessionError)) {
			return err
		}
		return s.Forget(ctx)
	}
	var revoked error
	// A session that the store could not take is known here alone.
	if snap := s.cached.Load(); snap != nil && snap.unsaved {
		revoked = s.revoke(ctx, snap.record)
	}
	rec, err := s.opts.Store.Load(ctx, s.key)
	switch {
	case errors.Is(err, ErrNotFound):
	case err == nil:
		var r *stored
		if r, err = decodeRecord(rec); err == nil {
			err = s.revoke(ctx, r)
		}
		revoked = errors.Join(revoked, err)
	default:
		revoked = errors.Join(revoked, err)
	}
	// However long the provider's answer took, what was asked for here is done.
	if err := s.Forget(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if revoked != nil {
		return fmt.Errorf("%w: %w", ErrNotRevoked, revoked)
	}
	return nil
}

func (s *Session) revoke(ctx context.Context, r *stored) error {
	client, err := s.configured()
	if err != nil {
		return err
	}
	if err := s.fits(r); err != nil {
		return err
	}
	token := r.RefreshToken
	if token == "" {
		token = r.AccessToken
	}
	if token == "" {
		return nil
	}
	return client.Revoke(ctx, Secret(token))
}

// Forget removes the session from the store without telling the provider.
func (s *Session) Forget(ctx context.Context) error {
	// A process that was stopped in the middle of a save holds the store.
	ctx, cancel := context.WithTimeout(ctx, oidc.RequestTimeout)
	defer cancel()
	if err := s.opts.Store.Delete(ctx, s.key); err != nil {
		return err
	}
	s.replace(nil)
	return nil
}

// Configure implements [App]. A session of another client stays in the store
// until the next sign-in replaces it, but gives no token any more.
func (s *Session) Configure(ctx context.Context, cs ClientSecrets) error {
	client, err := oidc.NewClient(cs, s.opts.Provider)
	if err != nil {
		return err
	}
	cs = cs.ForIssuer(client.Issuer())
	if s.opts.SaveClient != nil {
		if err := s.opts.SaveClient(ctx, cs); err != nil {
			return err
		}
	}
	s.client.Store(client)
	s.replace(nil)
	return nil
}
