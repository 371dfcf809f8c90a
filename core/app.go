package core

import (
	"context"
	"fmt"
	"time"

	"github.com/tokentoss/tokentoss/core/oidc"
)

// Types of package oidc that an author of a frontend or a store meets.
type (
	// Secret is text that must not be seen: only its Reveal gives it.
	Secret = oidc.Secret

	// ClientSecrets is an OAuth client, as a client_secrets.json has it.
	ClientSecrets = oidc.ClientSecrets
)

// A Frontend puts a person in charge of an [App]: a command line, a page, a
// notebook widget. Run returns when the person is done or ctx ends.
type Frontend interface {
	Run(ctx context.Context, app App) error
}

// An App is all that a [Frontend] may do. A Frontend never sees a refresh token
// or a client secret. [Session] is its one implementation here; frontends that
// run in another process have a remote one.
type App interface {
	// Status says who is signed in, without asking the provider.
	Status(ctx context.Context) (Status, error)

	// Watch sends the status now and after each change, until ctx ends; then it
	// closes the channel. A slow receiver misses intermediate states, never the
	// last.
	Watch(ctx context.Context) (<-chan Status, error)

	// Configure sets the OAuth client and keeps it for later. A session of
	// another client ends.
	Configure(ctx context.Context, c ClientSecrets) error

	// SignIn obtains a new session with the person's help. The old one stays
	// until the new one is saved.
	SignIn(ctx context.Context, p Prompter) (Status, error)

	// SignOut revokes the session at the provider and forgets it. The session is
	// forgotten even when revoking fails; the error then wraps [ErrNotRevoked].
	SignOut(ctx context.Context) error

	// IDToken returns a token that is valid now, refreshing it when it must.
	IDToken(ctx context.Context) (IDToken, error)

	// Renew returns a token that is newer than stale, which a service refused.
	// However many callers hold the same stale token, there is one refresh. It
	// returns [ErrRenewedRecently] when a refused token was renewed moments ago:
	// another refresh would not help.
	Renew(ctx context.Context, stale IDToken) (IDToken, error)
}

// An IDToken is an ID token whose claims were checked, ready to be sent.
type IDToken struct {
	Value    Secret // compact JWS, to be sent as a bearer token
	Issuer   string
	Subject  string
	Email    string
	Audience string // the client ID that the token was issued to
	IssuedAt time.Time
	Expiry   time.Time

	// Generation counts the refreshes and sign-ins of a session. A token is
	// newer than another of the same session when its generation is greater.
	Generation uint64
}

// String names the owner and the expiry, never the token.
func (t IDToken) String() string {
	who := oidc.Claims{Email: t.Email, Subject: t.Subject}.Account()
	return fmt.Sprintf("ID token of %s for %s, valid until %s", who, t.Audience, t.Expiry.UTC().Format(time.RFC3339))
}

// A State is what a session is able to do.
type State string

// The states of a session.
const (
	NotConfigured State = "not_configured" // there is no OAuth client
	SignedOut     State = "signed_out"     // there is a client, and no session
	SignedIn      State = "signed_in"      // there is a session that can give tokens
	NeedsSignIn   State = "needs_sign_in"  // there is a session that can no longer be refreshed
)

// A Status describes a [Session] to a person. It holds no secret.
type Status struct {
	State        State     `json:"state"`
	Email        string    `json:"email,omitempty"` // some providers give none: see Account
	Subject      string    `json:"sub,omitempty"`
	HostedDomain string    `json:"hd,omitempty"`
	Issuer       string    `json:"issuer,omitempty"`
	ClientID     string    `json:"client_id,omitempty"`
	Scopes       []string  `json:"scopes,omitempty"`
	SignedInAt   time.Time `json:"signed_in_at,omitzero"` // when the person last signed in
	TokenExpiry  time.Time `json:"token_expiry,omitzero"` // of the ID token that is cached
	SessionEnds  time.Time `json:"session_ends,omitzero"` // at the latest; zero: only when the provider says so
	Machine      string    `json:"machine,omitempty"`     // who it is, when that is no person
	Refreshable  bool      `json:"refreshable"`           // there is a refresh token
	Reason       string    `json:"reason,omitempty"`      // why a new sign-in is needed

	PreferredUsername string `json:"preferred_username,omitempty"` // what the person is called at the provider
}

// Account is who is signed in, as a person would call the account: its e-mail address,
// its user name at the provider, or else its subject.
func (s Status) Account() string {
	return oidc.Claims{Email: s.Email, PreferredUsername: s.PreferredUsername, Subject: s.Subject}.Account()
}
