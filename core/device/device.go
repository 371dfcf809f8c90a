// Package device signs a person in on another machine, which has a browser
// (RFC 8628): this one shows a short code and an address, and asks the provider
// every few seconds whether the code was typed in there.
//
// It is for machines that no browser can be redirected to, not even by way of a
// pasted address; where that works, package authcode is the better one. Whoever
// persuades a person to type in a code is signed in as that person, which is why
// many organisations do not allow this flow.
//
// Google wants an OAuth client of the type "TVs and Limited Input devices" for it,
// which can do nothing else; its ID is then the audience of the tokens. Other
// providers have one client do both.
//
// The polling is not golang.org/x/oauth2's. That follows redirects with the device
// code and the client's secret, quotes answers in errors, and takes a network that
// fails once for the end.
package device

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/internal/ask"
	"github.com/tokentoss/tokentoss/core/oidc"
)

const (
	// slowerBy is what each slow_down adds to the interval (RFC 8628 section 3.5).
	slowerBy = 5 * time.Second

	// longestPause bounds the pause between two polls that got no answer.
	longestPause = time.Minute
)

// Options change how a sign-in is made. The zero value is right for most.
type Options struct {
	// Scopes are asked for beside openid and email. Google gives few of them to
	// devices
	// (https://developers.google.com/identity/protocols/oauth2/limited-input-device#allowedscopes).
	Scopes []string

	// Timeout is how long a person has; 0 means as long as the code is valid, and
	// no Timeout is longer than that.
	Timeout time.Duration
}

// New returns the flow for [core.SessionOptions].
func New(o Options) core.FlowFunc {
	return func(c *oidc.Client) core.Flow { return &flow{client: c, options: o} }
}

var (
	// errExpired: nobody agreed in time.
	errExpired = errors.New("the code has expired")

	errNothingToPaste = errors.New("there is nothing to paste here; the code is typed in at the address")
)

type flow struct {
	client  *oidc.Client
	options Options
}

// SignIn implements [core.Flow]. The prompt has the code, and the address to type
// it in at; there is no answer to it.
func (f *flow) SignIn(ctx context.Context, p core.Prompter) (*core.Token, error) {
	asking, answered := ctx, context.CancelFunc(func() {})
	if f.options.Timeout > 0 {
		asking, answered = context.WithTimeout(ctx, f.options.Timeout)
	}
	defer answered()
	grant, err := f.client.StartDevice(asking, f.options.Scopes)
	if err != nil {
		return nil, startError(err)
	}
	// The prompter ends before SignIn does: it may hold a terminal.
	var prompter sync.WaitGroup
	defer prompter.Wait()
	asking, expired := context.WithDeadline(asking, grant.Expiry)
	defer expired()
	deadline, _ := asking.Deadline()
	prompted := make(chan error, 1)
	prompter.Go(func() {
		prompt := core.Prompt{URL: grant.VerificationURL, Code: grant.UserCode, Deadline: deadline}
		// What a prompter returns is the answer to another kind of sign-in.
		prompted <- ask.Until(asking, p, prompt, func(string) error { return errNothingToPaste })
	})
	began := time.Now()
	token, err := f.poll(ctx, asking, grant, prompted)
	if err == errExpired {
		err = &TimeoutError{After: time.Since(began).Round(time.Second)}
	}
	return token, err
}

// poll asks for the tokens until they are there, or asking has ended. A poll that
// has begun is waited for: ctx is that of the caller.
func (f *flow) poll(ctx, asking context.Context, g *oidc.DeviceGrant, prompted <-chan error) (*core.Token, error) {
	interval, pause := g.Interval, g.Interval
	for {
		select {
		case <-asking.Done():
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, errExpired
		case err := <-prompted:
			if err != nil {
				return nil, err
			}
			prompted = nil // the prompter has shown it, and need not stay
			continue
		case <-time.After(pause):
		}
		token, err := f.client.DeviceToken(ctx, g.Code)
		var answer *oidc.ProviderError
		if err == nil || ctx.Err() != nil || !errors.As(err, &answer) {
			return token, err
		}
		switch {
		case answer.Code == "authorization_pending":
			pause = interval
		case answer.Code == "slow_down":
			interval += slowerBy
			pause = interval
		case denial(answer.Code) != "":
			return nil, &DeniedError{Code: answer.Code}
		case answer.Code == "expired_token":
			return nil, errExpired
		case !failedOnly(answer):
			return nil, err
		default:
			// RFC 8628 section 3.5 wants fewer polls then, such as half as many.
			pause = max(min(2*pause, longestPause), interval, answer.RetryAfter)
		}
	}
}

// failedOnly tells whether an error says nothing about the sign-in: the provider
// could not be reached, or has trouble.
func failedOnly(e *oidc.ProviderError) bool {
	return e.Status == 0 || e.Status == 429 || e.Status >= 500
}
