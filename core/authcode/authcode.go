// Package authcode signs a person in with the authorization code flow and PKCE,
// in the person's own browser (RFC 8252).
//
// The provider redirects the browser to a listener on a loopback address. Where
// the browser cannot reach it (SSH, containers, hosted notebooks), the person
// pastes the URL that the browser ended on; both ways are open at the same time,
// and both need the state of the sign-in.
package authcode

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/internal/ask"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// DefaultTimeout is how long a person has to sign in.
const DefaultTimeout = 5 * time.Minute

// pageGrace is how long the last page may take to reach the browser.
const pageGrace = 500 * time.Millisecond

// Options change how a sign-in is made. The zero value is right for most.
type Options struct {
	// Scopes are asked for beside openid and email.
	Scopes []string

	// Port is the loopback port to listen on; 0 means one that is free.
	Port int

	// Timeout is how long a person has; 0 means [DefaultTimeout].
	Timeout time.Duration

	// LoginHint is the account to suggest.
	LoginHint string

	// Receiver takes the redirect in the place of a listener here.
	Receiver Receiver

	// Extra are further parameters of the authorization request. What the
	// security of the flow rests on cannot be set; see [oidc.CheckAuthParam].
	Extra url.Values
}

// New returns the flow for [core.SessionOptions].
func New(o Options) core.FlowFunc {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	return func(c *oidc.Client) core.Flow { return &flow{client: c, options: o} }
}

type flow struct {
	client  *oidc.Client
	options Options
}

// A TimeoutError says that nobody completed the sign-in. It is
// [core.ErrSignInTimeout].
type TimeoutError struct{ After time.Duration }

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("sign-in was not completed within %s; if the browser showed an error page instead, its text names the cause: "+
		"admin_policy_enforced or org_internal (your administrator must allow this client), "+
		"redirect_uri_mismatch (the client is not of the type Desktop app), "+
		"invalid_client or deleted_client (the client ID is wrong or gone), "+
		"disallowed_useragent (use a real browser)", e.After)
}

// Is makes errors.Is(err, core.ErrSignInTimeout) true.
func (e *TimeoutError) Is(target error) bool { return target == core.ErrSignInTimeout }

// A DeniedError is the provider's error in the authorization response (RFC 6749
// section 4.1.2.1). It is [core.ErrDenied].
type DeniedError struct{ Code string }

func (e *DeniedError) Error() string {
	if text := explain(e.Code); text != "" {
		return "sign-in was denied: " + text + " (" + e.Code + ")"
	}
	return "sign-in was denied by the provider"
}

// Is makes errors.Is(err, core.ErrDenied) true.
func (e *DeniedError) Is(target error) bool { return target == core.ErrDenied }

// SignIn implements [core.Flow]. Nothing listens any more when it returns.
func (f *flow) SignIn(ctx context.Context, p core.Prompter) (*core.Token, error) {
	asking, answered := context.WithTimeout(ctx, f.options.Timeout)
	defer answered()
	provider, err := f.client.Provider(asking)
	if err != nil {
		return nil, err
	}
	a := newAttempt(provider, "")
	door, err := f.open(asking, a)
	if err != nil {
		return nil, err
	}
	// The prompter ends before SignIn does: it may hold a terminal. It is waited
	// for last, since it may itself be the browser that waits for the last page.
	var prompter sync.WaitGroup
	defer prompter.Wait()
	defer door.close()

	deadline, _ := asking.Deadline()
	prompt := core.Prompt{
		URL: f.client.AuthCodeURL(provider, oidc.AuthRequest{
			RedirectURI: a.redirectURI, State: a.state, Nonce: a.nonce, Verifier: a.verifier,
			Scopes: f.options.Scopes, LoginHint: f.options.LoginHint, Extra: f.options.Extra,
		}),
		Deadline: deadline,
	}
	if f.options.Receiver == nil {
		prompt.RedirectURL = a.redirectURI
	}
	prompted := make(chan error, 1)
	prompter.Go(func() { prompted <- ask.Until(asking, p, prompt, door.paste) })
	response, err := wait(asking, a, prompted)
	if err != nil {
		// A caller who stops waiting earlier is told just that.
		if errors.Is(asking.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
			err = &TimeoutError{After: f.options.Timeout}
		}
		a.finish(nil, err)
		return nil, err
	}
	answered() // the exchange has a time limit of its own
	token, err := f.exchange(ctx, a, response)
	a.finish(token, err)
	if response.byBrowser {
		door.drain(pageGrace)
	}
	return token, err
}

// wait returns the first authorization response with the right state, from the
// browser or from what the person pasted. An error of the prompter ends it.
func wait(ctx context.Context, a *attempt, prompted <-chan error) (response, error) {
	for {
		select {
		case r := <-a.responses:
			return r, nil
		case err := <-prompted:
			if err != nil {
				return response{}, err
			}
			prompted = nil
		case err := <-a.failed:
			return response{}, err
		case <-ctx.Done():
			return response{}, ctx.Err()
		}
	}
}

func (f *flow) exchange(ctx context.Context, a *attempt, r response) (*core.Token, error) {
	if r.problem != "" {
		return nil, &DeniedError{Code: r.problem}
	}
	return f.client.Exchange(ctx, r.code, a.redirectURI, a.verifier, a.nonce)
}

// newVerifier has 256 bits, as RFC 7636 section 4.1 recommends.
func newVerifier() string { return oauth2.GenerateVerifier() }

// newSecret has at least 128 bits, as RFC 6749 section 10.10 demands.
func newSecret() string { return rand.Text() }
