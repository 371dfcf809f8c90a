package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokentoss/tokentoss/core/oidc"
)

// SignOut implements [App].
//
// A machine's tokens cannot be revoked; they are forgotten. Its next call obtains
// others.
func (s *Session) SignOut(ctx context.Context) error { return s.grant.signOut(ctx) }

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

// signOut implements grant. The provider is told first, as the token to revoke is
// gone afterwards.
func (g userGrant) signOut(ctx context.Context) error {
	var revoked error
	// A session that the store could not take is known here alone.
	if snap := g.cached.Load(); snap != nil && snap.unsaved {
		revoked = g.revoke(ctx, snap.record)
	}
	rec, err := g.opts.Store.Load(ctx, g.key)
	switch {
	case errors.Is(err, ErrNotFound):
	case err == nil:
		var r *stored
		if r, err = decodeRecord(rec); err == nil {
			err = g.revoke(ctx, r)
		}
		revoked = errors.Join(revoked, err)
	default:
		revoked = errors.Join(revoked, err)
	}
	// However long the provider's answer took, what was asked for here is done.
	if err := g.Forget(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if revoked != nil {
		return fmt.Errorf("%w: %w", ErrNotRevoked, revoked)
	}
	return nil
}

// revokeReplaced tells the provider to end the session that a sign-in as somebody else
// has replaced, in the background. Not at Google, which ends all that an account
// granted to the client: revoking there would end the account's sessions on other
// machines, too.
func (g userGrant) revokeReplaced(client *oidc.Client, replaced, current *stored) {
	if replaced == nil || client.Issuer() == oidc.GoogleIssuer || replaced.checkClient(client) != nil || replaced.Subject == current.Subject {
		return
	}
	g.inBackground(func() {
		ctx, cancel := context.WithTimeout(context.Background(), oidc.RequestTimeout)
		defer cancel()
		if err := g.revoke(ctx, replaced); err != nil {
			g.log.Info("the session that was replaced could not be revoked", "account", replaced.account(), "error", err)
		}
	})
}

func (g userGrant) revoke(ctx context.Context, r *stored) error {
	client, err := g.configured()
	if err != nil {
		return err
	}
	if err := r.checkClient(client); err != nil {
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
