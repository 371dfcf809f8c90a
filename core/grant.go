package core

import (
	"context"
	"errors"
	"net/http"

	"github.com/tokentoss/tokentoss/core/oidc"
)

// A grant is how a session comes by its tokens (RFC 6749 section 1.3): by the refresh
// token of a person's sign-in, or by what a machine has of its own. Beyond it, a
// person's session and a machine's are alike.
type grant interface {
	// load reads the session from the store. There is always either a session or an
	// error; that nobody is signed in is a [*SignInNeededError].
	load(ctx context.Context) (*stored, error)

	// ready tells why no token can be requested: with what r holds, or at all where
	// r is nil.
	ready(r *stored) error

	// request requests tokens and returns the session that they make of r. With an
	// error the session is the one that the failure belongs to.
	request(ctx context.Context, r *stored) (*stored, error)

	// final tells whether err is the last word on a session, and why it then takes a
	// new sign-in.
	final(err error) (Cause, bool)

	status(ctx context.Context) (Status, error)
	signIn(ctx context.Context, p Prompter) (Status, error)
	signOut(ctx context.Context) error
}

// A userGrant is the refresh token of a person's sign-in.
type userGrant struct{ *Session }

// load implements grant.
func (g userGrant) load(ctx context.Context) (*stored, error) {
	client, err := g.configured()
	if err != nil {
		return nil, err
	}
	r, err := g.read(ctx)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, &SignInNeededError{Cause: CauseSignedOut}
	case err != nil:
		return nil, err
	}
	return r, r.checkClient(client)
}

// ready implements grant.
func (g userGrant) ready(r *stored) error {
	if r != nil && r.RefreshToken == "" {
		return &SignInNeededError{Cause: CauseNoRefresh, Email: r.account()}
	}
	return nil
}

// request implements grant: it refreshes (RFC 6749 section 6).
func (g userGrant) request(ctx context.Context, r *stored) (*stored, error) {
	client, err := g.configured()
	if err != nil {
		return r, err
	}
	earlier := r.claims
	if r.Nonce != "" {
		earlier.Nonce = r.Nonce // of the sign-in: most tokens of a refresh have none
	}
	token, claims, err := client.Refresh(ctx, Secret(r.RefreshToken), &earlier)
	switch {
	case errors.Is(err, oidc.ErrOtherSubject):
		return r, &SignInNeededError{Cause: CauseOtherPerson, Email: r.account()}
	case err != nil && token != nil && token.RefreshToken != "":
		// The provider may have rotated it all the same: the old one is dead then.
		rotated := *r
		rotated.RefreshToken = token.RefreshToken.Reveal()
		return &rotated, err
	case err != nil:
		return r, err
	}
	next := r.withToken(token, claims, g.now(), g.host)
	if token.RefreshToken != "" { // none means the old one (RFC 6749 section 6)
		next.RefreshToken = token.RefreshToken.Reveal()
	}
	if len(token.Scopes) > 0 {
		next.Scopes = token.Scopes
	}
	g.log.Info("refreshed the ID token", "email", next.UserEmail, "expiry", next.claims.Expiry)
	return next, nil
}

// final implements grant. Errors of configuration (invalid_client and the like) are
// not final: they can be mended without a new sign-in.
func (g userGrant) final(err error) (Cause, bool) {
	var claim *oidc.ClaimError
	if errors.As(err, &claim) && claim.Claim == "id_token" {
		return CauseNoIDToken, true
	}
	var pe *oidc.ProviderError
	if !errors.As(err, &pe) || pe.Endpoint != oidc.TokenEndpoint || pe.Status >= 500 {
		return "", false
	}
	switch client := g.client.Load(); {
	case pe.Code == "invalid_grant" && (pe.Subtype == "invalid_rapt" || pe.Subtype == "rapt_required"):
		return CauseReauth, true
	case pe.Code == "invalid_grant":
		return CauseRevoked, true
	case pe.Code == "invalid_request" && pe.Status == http.StatusBadRequest && client != nil && client.Issuer() != oidc.GoogleIssuer:
		// Dex says so of a refresh token that it no longer knows. The request itself
		// is well formed.
		return CauseRevoked, true
	}
	return "", false
}

// status implements grant.
func (g userGrant) status(ctx context.Context) (Status, error) {
	client := g.client.Load()
	if client == nil {
		return Status{State: NotConfigured}, nil
	}
	st := Status{State: SignedOut, Issuer: client.Issuer(), ClientID: client.ID}
	snap, err := g.reload(ctx)
	var sn *SignInNeededError
	switch {
	case err == nil:
		return g.statusOf(snap), nil
	case errors.As(err, &sn):
		if sn.Cause != CauseSignedOut {
			st.Reason = sn.Error()
		}
		return st, nil
	}
	return st, err
}
