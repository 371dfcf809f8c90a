package core

import (
	"context"
	"errors"
	"time"

	"golang.org/x/oauth2"
)

// TokenSource returns the session's ID tokens, which are what IAP takes, as an
// [oauth2.TokenSource] for libraries that want one. They are in the field AccessToken, as
// those of google.golang.org/api/idtoken are. Google's own APIs do not take them: see
// [Session.AccessTokenSource]. ctx bounds each refresh's wait.
func (s *Session) TokenSource(ctx context.Context) oauth2.TokenSource {
	return tokenSource(func() (*oauth2.Token, error) {
		t, err := s.IDToken(ctx)
		if err != nil {
			return nil, err
		}
		return &oauth2.Token{AccessToken: t.Value.Reveal(), TokenType: "Bearer", Expiry: t.Expiry}, nil
	})
}

// AccessTokenSource returns the session's access tokens, which are for the provider's own
// APIs and the scopes that were asked for, as an [oauth2.TokenSource]. IAP does not take
// them: see [Session.TokenSource]. ctx bounds each refresh's wait.
func (s *Session) AccessTokenSource(ctx context.Context) oauth2.TokenSource {
	return tokenSource(func() (*oauth2.Token, error) {
		snap, err := s.withAccessToken(ctx)
		if err != nil {
			return nil, err
		}
		return &oauth2.Token{AccessToken: snap.record.AccessToken, TokenType: "Bearer", Expiry: parseTime(snap.record.AccessExpiry)}, nil
	})
}

// AccessToken returns an access token that is valid now, as far as the provider said how
// long it lasts. It is for the provider's own APIs; IAP does not take it. Its errors are
// those of IDToken, and one for a provider that gave none.
func (s *Session) AccessToken(ctx context.Context) (Secret, error) {
	snap, err := s.withAccessToken(ctx)
	if err != nil {
		return "", err
	}
	return Secret(snap.record.AccessToken), nil
}

// withAccessToken returns a snapshot whose access token is valid. It may expire before
// the ID token that came with it.
func (s *Session) withAccessToken(ctx context.Context) (*snapshot, error) {
	token, err := s.IDToken(ctx)
	if err != nil {
		return nil, err
	}
	snap := s.cached.Load()
	if snap != nil && snap.accessExpired(s.now()) {
		if _, err := s.Renew(ctx, token); err != nil {
			return nil, err
		}
		snap = s.cached.Load()
	}
	switch {
	case snap == nil: // signed out at this moment
		return nil, &SignInNeededError{Cause: CauseSignedOut}
	case snap.record.AccessToken == "":
		return nil, errors.New("the provider gave no access token")
	}
	return snap, nil
}

// accessExpired tells whether the access token is known to expire within moments.
func (s *snapshot) accessExpired(now time.Time) bool {
	expiry := parseTime(s.record.AccessExpiry)
	return !expiry.IsZero() && !now.Before(expiry.Add(-blockBefore))
}

// A tokenSource is a function that is an [oauth2.TokenSource].
type tokenSource func() (*oauth2.Token, error)

// Token implements [oauth2.TokenSource].
func (f tokenSource) Token() (*oauth2.Token, error) { return f() }
