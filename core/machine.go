package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// A Machine is who a session is of that needs no person: a service account, by a
// key, by the machine that the program runs on, or by somebody who may act for it.
//
// A person's session begins with a sign-in and goes on by its refresh token. A
// machine's has neither: whenever there is no token that can be given out, its Flow
// is asked for one, where a person's session would be refreshed. All else is alike:
// the token is kept in the store, and one request serves all processes.
type Machine struct {
	// Name says who it is and what its tokens are for, in words that change whenever
	// that does: a token that was stored under another name is not given out.
	Name string

	// Issuer is that of the tokens; empty means Google.
	Issuer string

	// Audience is what the tokens are for.
	Audience string

	// SelfSigned: the tokens are the machine's own, signed with its key. Their issuer
	// and their subject are its e-mail address.
	SelfSigned bool

	// Flow obtains a token; it is given a Prompter that nobody answers. Nil: the
	// session gives tokens that others have obtained, and [ErrNoFlow] when there is
	// none.
	Flow Flow
}

// ErrNoFlow: this program cannot obtain a token, since it has no [Flow].
const ErrNoFlow = fault.NoFlow

// A PersonsSessionError is a session of a person, which a machine's session would
// have to overwrite.
type PersonsSessionError struct{ Email string }

func (e *PersonsSessionError) Error() string {
	return fmt.Sprintf("the profile is a machine's, but holds the session of %s", e.Email)
}

// Is makes errors.Is(err, fault.BadConfig) true.
func (e *PersonsSessionError) Is(target error) bool { return target == fault.BadConfig }

// Remedy says what to do next.
func (e *PersonsSessionError) Remedy() fault.Remedy {
	return fault.Say("give the machine a profile of its own, or sign out the person whose session this one holds")
}

// nobody is the Prompter of a machine's flow.
var nobody = PrompterFunc(func(context.Context, Prompt) (string, error) {
	return "", errors.New("there is nobody to be asked")
})

// issuer returns the issuer that tokens must have.
func (m *Machine) issuer() string {
	if m.Issuer == "" {
		return oidc.GoogleIssuer
	}
	return m.Issuer
}

// blank is a machine's session before its first token.
func (m *Machine) blank(revision string) *stored {
	return &stored{revision: revision, document: document{
		Version: recordVersion, Machine: m.Name, ClientID: m.Audience, Issuer: m.issuer(),
	}}
}

// A machineGrant is what a machine has of its own to obtain tokens with.
type machineGrant struct {
	*Session
	machine *Machine
}

// load implements grant. Where there is no session, or one of another machine, it is
// a blank one: what is stored can be had again. So it is when what is stored is
// damaged, which then is set aside: there may be nobody to do it.
func (g machineGrant) load(ctx context.Context) (*stored, error) {
	r, err := g.readOnce(ctx)
	switch {
	case errors.Is(err, ErrNotFound):
		return g.machine.blank(""), nil
	case errors.Is(err, ErrCorrupt):
		return g.machine.blank(""), g.quarantine(ctx, err)
	case err != nil:
		return nil, err
	case r.Machine == "":
		return nil, &PersonsSessionError{Email: r.UserEmail}
	case r.Machine != g.machine.Name:
		return g.machine.blank(r.revision), nil
	}
	return r, nil
}

// ready implements grant.
func (g machineGrant) ready(*stored) error {
	if g.machine.Flow == nil {
		return ErrNoFlow
	}
	return nil
}

// request implements grant: it has the machine's flow obtain a token.
func (g machineGrant) request(ctx context.Context, r *stored) (*stored, error) {
	token, err := g.machine.Flow.SignIn(ctx, nobody)
	if err != nil {
		return r, err
	}
	next, err := g.accept(r, token)
	if err != nil {
		return r, err
	}
	g.log.Info("obtained an ID token", "email", next.UserEmail, "expiry", next.claims.Expiry)
	return next, nil
}

// accept checks what a machine's flow brought and makes a session of it.
func (g machineGrant) accept(r *stored, t *Token) (*stored, error) {
	if t == nil || t.IDToken == "" {
		return nil, &oidc.ClaimError{Claim: "id_token", Problem: "is missing"}
	}
	claims, err := oidc.ParseClaims(t.IDToken)
	if err != nil {
		return nil, err
	}
	now := g.now()
	if err := g.machine.check(claims, now.Add(-t.ClockOffset), t.ClockOffset); err != nil {
		return nil, err
	}
	claims = machineClaims(claims)
	next := r.withToken(t, claims, now, g.host)
	next.Scopes = t.Scopes
	next.Issuer, next.Subject, next.UserEmail, next.HD = claims.Issuer, claims.Subject, claims.Email, claims.HostedDomain
	if next.CreatedAt == "" {
		next.CreatedAt = formatTime(now)
	}
	return next, nil
}

// final implements grant. Nobody signs a machine in: it tries again.
func (g machineGrant) final(error) (Cause, bool) { return "", false }

// signIn implements grant.
func (g machineGrant) signIn(ctx context.Context, _ Prompter) (Status, error) {
	if _, err := g.IDToken(ctx); err != nil {
		return Status{}, err
	}
	return g.status(ctx)
}

// signOut implements grant.
func (g machineGrant) signOut(ctx context.Context) error {
	if _, err := g.load(ctx); errors.As(err, new(*PersonsSessionError)) {
		return err
	}
	return g.Forget(ctx)
}

// check holds a new token's claims against what the machine's tokens must be.
func (m *Machine) check(c oidc.Claims, now time.Time, offset time.Duration) error {
	bad := func(claim, problem string) error { return &oidc.ClaimError{Claim: claim, Problem: problem} }
	switch {
	case m.SelfSigned && (c.Issuer != c.Subject || !strings.Contains(c.Issuer, "@")):
		return bad("iss", fmt.Sprintf("is %q, expected its subject, a service account's address", c.Issuer))
	case !m.SelfSigned && !(oidc.Provider{Issuer: m.issuer()}).Issued(c.Issuer):
		return bad("iss", fmt.Sprintf("is %q, expected %q", c.Issuer, m.issuer()))
	case c.Subject == "":
		return bad("sub", "is missing")
	case !slices.Equal(c.Audience, []string{m.Audience}):
		return bad("aud", fmt.Sprintf("is %q, expected %q", c.Audience, m.Audience))
	}
	if err := c.CheckTimes(now, offset); err != nil {
		return err
	}
	if !m.SelfSigned && (c.Email == "" || c.EmailVerified == nil || !*c.EmailVerified) {
		return bad("email", "is missing, or not verified; IAP needs it")
	}
	return nil
}

// machineClaims returns the claims of a machine's token, with the address that one has
// for its subject which the machine signed itself.
func machineClaims(c oidc.Claims) oidc.Claims {
	if c.Email == "" && c.Issuer == c.Subject {
		c.Email = c.Subject
	}
	return c
}

// status implements grant. A machine always can give tokens, as far as is known
// without asking. Reason says why it last could not.
func (g machineGrant) status(ctx context.Context) (Status, error) {
	m := g.machine
	st := Status{State: SignedIn, Machine: m.Name, Issuer: m.issuer(), ClientID: m.Audience, Refreshable: true}
	snap, err := g.reload(ctx)
	if err != nil {
		return st, err
	}
	r := snap.record
	st.Email, st.Subject, st.TokenExpiry = r.UserEmail, r.Subject, r.claims.Expiry
	if r.IDToken != "" {
		st.Issuer = r.Issuer
	}
	if r.Failure != nil {
		if now := g.now(); !snap.valid(now) {
			st.Reason = r.Failure.error(now).Error()
		}
	}
	return st, nil
}
