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
	return s.grant.signIn(ctx, p)
}

// signIn implements grant.
func (g userGrant) signIn(ctx context.Context, p Prompter) (Status, error) {
	client, err := g.configured()
	if err != nil {
		return Status{State: NotConfigured}, err
	}
	if g.opts.Flow == nil {
		return Status{}, ErrNoFlow
	}
	if g.ctx.Err() != nil {
		return Status{}, ErrClosed
	}
	// Before a person is troubled: is there a store that can take the session?
	old, err := g.prepare(ctx)
	if err != nil {
		return Status{}, err
	}
	asking := *client
	asking.Consent = old != nil && old.RefreshToken == ""
	token, err := g.opts.Flow(&asking).SignIn(ctx, p)
	if err != nil {
		return Status{}, err
	}
	r, err := g.accept(client, token)
	if err != nil {
		return Status{}, err
	}
	if c, ok := p.(Confirmer); ok {
		if err := c.Confirm(ctx, g.statusOf(g.snapshot(r))); err != nil {
			return Status{}, err
		}
	}
	saved, replaced, err := g.saveSignIn(ctx, r)
	if err != nil {
		snap := g.snapshot(r)
		snap.unsaved = true
		g.replace(snap)
		return g.statusOf(snap), fmt.Errorf("%w: %w", ErrNotSaved, err)
	}
	snap := g.snapshot(saved)
	g.replace(snap)
	g.log.Info("signed in", "account", saved.account(), "issuer", saved.Issuer)
	if saved.RefreshToken == "" {
		g.log.Warn("the provider gave no refresh token, so that this session ends with its token; the next sign-in asks for consent to a longer one", "ends", saved.claims.Expiry)
	}
	g.revokeReplaced(client, replaced, saved)
	return g.statusOf(snap), nil
}

// prepare finds out, before the browser opens, whether the session could be
// saved, and returns the present one if there is one. A damaged document is set
// aside, never overwritten.
func (g userGrant) prepare(ctx context.Context) (*stored, error) {
	r, err := g.load(ctx)
	var newer *NewerRecordError
	switch {
	case errors.As(err, &newer):
		return nil, err
	case errors.Is(err, ErrCorrupt), errors.Is(err, ErrInsecure), errors.Is(err, ErrTooLarge):
		if err := g.quarantine(ctx, err); err != nil {
			return nil, err
		}
	case err != nil && !errors.Is(err, ErrSignInNeeded):
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := Full(g.opts.Store).Check(ctx, g.key); err != nil {
		return nil, fmt.Errorf("a session could not be saved: %w", err)
	}
	return r, nil
}

// accept checks what a flow brought and makes a session of it. The checks stand
// here too since anybody can write a Flow.
func (g userGrant) accept(client *oidc.Client, token *Token) (*stored, error) {
	claims, err := client.SignInClaims(token)
	if err != nil {
		return nil, err
	}
	now := g.now()
	r := &stored{claims: claims, document: document{
		AccessToken: token.AccessToken.Reveal(), IDToken: token.IDToken.Reveal(), RefreshToken: token.RefreshToken.Reveal(),
		Expiry: formatTime(claims.Expiry), AccessExpiry: formatTime(token.Expiry), Scopes: token.Scopes, UserEmail: claims.Email, Username: claims.PreferredUsername, CreatedAt: formatTime(now),
		Version: recordVersion, Issuer: claims.Issuer, ClientID: client.ID, Subject: claims.Subject, HD: claims.HostedDomain,
		Nonce: token.Nonce, Generation: 1,
	}}
	r.noteTime(g.host, now, token.ClockOffset)
	return r, nil
}

// saveSignIn stores a new session over whatever is there: the last sign-in wins. It
// returns what was there as well.
func (g userGrant) saveSignIn(ctx context.Context, r *stored) (saved, replaced *stored, err error) {
	// The person has signed in: an interrupt must not lose that halfway.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), oidc.RequestTimeout)
	defer cancel()
	for range saveTries {
		old, lerr := g.opts.Store.Load(ctx, g.key)
		switch {
		case lerr == nil:
			r.revision = old.Revision
			before, derr := decodeRecord(old)
			replaced = before
			var newer *NewerRecordError
			if errors.As(derr, &newer) {
				return nil, nil, derr
			}
			if derr == nil {
				r.Generation = before.Generation + 1
			}
		case errors.Is(lerr, ErrNotFound):
			r.revision, replaced = "", nil
		default:
			return nil, nil, lerr
		}
		if saved, err = g.save(ctx, r); !errors.Is(err, ErrConflict) {
			return saved, replaced, err
		}
		time.Sleep(time.Millisecond)
	}
	return nil, nil, err
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
