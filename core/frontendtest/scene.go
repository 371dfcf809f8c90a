package frontendtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// A scene is one sign-in: what the person is asked, and how it ends. A scene
// without prompts ends at once, or, if it is busy, with its ctx.
type scene struct {
	prompts []core.Prompt // one after the other; each but the last wants an answer
	busy    bool
	status  core.Status
	err     error

	state      string        // the secret in the addresses
	redirected chan struct{} // closed when the browser brings the answer
	replies    chan reply    // what Prompt returned, each time
}

// A reply is what a Prompter returned.
type reply struct {
	answer string
	err    error
	early  bool // before there was a reason to
}

// redirectURL is where the browser would end.
const redirectURL = "http://127.0.0.1:41237/"

// newScene is a sign-in of email that succeeds: with the answer to the last
// prompt, or when the browser brings the answer. It has a first prompt, and one
// more for each problem.
func newScene(email string, problems ...string) *scene {
	sc := &scene{status: signedIn(email), state: rand.Text(), redirected: make(chan struct{})}
	query := url.Values{
		"client_id": {clientID}, "redirect_uri": {redirectURL}, "response_type": {"code"}, "scope": {"openid email"},
		"state": {sc.state}, "nonce": {rand.Text()}, "code_challenge": {rand.Text() + "-_" + rand.Text()},
		"code_challenge_method": {"S256"}, "access_type": {"offline"}, "login_hint": {"ada+x&y@example.com"},
	}
	address := "https://provider.invalid/o/oauth2/v2/auth?" + query.Encode()
	for _, problem := range append([]string{""}, problems...) {
		sc.prompts = append(sc.prompts, core.Prompt{
			URL: address, RedirectURL: redirectURL, Deadline: time.Now().Add(5 * time.Minute), Problem: problem,
		})
	}
	sc.replies = make(chan reply, len(sc.prompts))
	return sc
}

// failing is a sign-in that ends with err before the person is asked.
func failing(err error) *scene { return &scene{err: err} }

// busyScene is a sign-in in which the App is busy until its ctx ends.
func busyScene() *scene { return &scene{busy: true} }

// play is the sign-in, as package authcode makes it.
func (sc *scene) play(ctx context.Context, p core.Prompter) (core.Status, error) {
	if sc.busy {
		<-ctx.Done()
		return core.Status{}, ctx.Err()
	}
	asking, answered := context.WithCancel(ctx)
	defer answered()
	go func() {
		select {
		case <-sc.redirected:
			answered()
		case <-asking.Done():
		}
	}()
	for _, prompt := range sc.prompts {
		answer, err := p.Prompt(asking, prompt)
		over := asking.Err() != nil
		sc.replies <- reply{answer: answer, err: err, early: !over}
		switch {
		case ctx.Err() != nil:
			return core.Status{}, ctx.Err()
		case over:
			return sc.status, sc.err
		case err != nil:
			return core.Status{}, fmt.Errorf("sign-in prompt: %w", err)
		case answer == "": // the browser is the only way left
			<-asking.Done()
			if ctx.Err() != nil {
				return core.Status{}, ctx.Err()
			}
			return sc.status, sc.err
		}
	}
	return sc.status, sc.err
}
