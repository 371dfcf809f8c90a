package authcode

import (
	"crypto/subtle"
	"errors"
	"net/url"
	"strings"
	"sync"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// An attempt is one sign-in: its secrets, and its single use of them.
type attempt struct {
	provider    oidc.Provider
	redirectURI string
	state       string
	nonce       string
	verifier    string

	responses chan response // takes one
	failed    chan error    // takes one: there will be no response

	mu   sync.Mutex
	used bool // the state was presented: RFC 6749 section 10.12, one login

	finished chan struct{} // closed when token and err are set
	token    *core.Token
	err      error
}

// A response is an authorization response with the right state.
type response struct {
	code      string
	problem   string // the error code, instead of a code
	byBrowser bool
}

func newAttempt(p oidc.Provider, redirectURI string) *attempt {
	return &attempt{
		provider: p, redirectURI: redirectURI, state: newSecret(), nonce: newSecret(), verifier: newVerifier(),
		responses: make(chan response, 1), failed: make(chan error, 1), finished: make(chan struct{}),
	}
}

// Errors of an authorization response. They stand on a page, so they are fixed
// texts.
var (
	errState  = errors.New("this is not the answer of the sign-in that is waiting (its state is missing or differs)")
	errUsed   = errors.New("this sign-in was already answered")
	errIssuer = errors.New("this answer comes from another provider (its iss differs)")
	errNoCode = errors.New("this answer has neither a code nor an error")
	errNoURL  = errors.New("paste the whole address that the browser ended on; it contains code= and state=")
)

// accept takes an authorization response, once. A response with a wrong state is
// no event in the life of the attempt: the right one still counts.
func (a *attempt) accept(q url.Values, byBrowser bool) error {
	if !a.isAnswer(q) {
		return errState
	}
	// RFC 9207 section 2.4.
	if iss, ok := q["iss"]; ok && (len(iss) != 1 || iss[0] != a.provider.Issuer) || !ok && a.provider.IssuerInResponse {
		return errIssuer
	}
	code, problem := q.Get("code"), q.Get("error")
	if code == "" && problem == "" {
		return errNoCode
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.used {
		return errUsed
	}
	a.used = true
	a.responses <- response{code: code, problem: problem, byBrowser: byBrowser}
	return nil
}

// isAnswer tells whether an authorization response is of this attempt.
func (a *attempt) isAnswer(q url.Values) bool {
	return subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(a.state)) == 1
}

// paste takes what a person pasted: the address that the browser ended on.
func (a *attempt) paste(text string) error {
	// A terminal or a mail breaks a long address into lines; no URL has spaces.
	text = strings.Trim(strings.Join(strings.Fields(text), ""), `"'<>`)
	_, query, ok := strings.Cut(text, "?")
	if !ok {
		return errNoURL
	}
	query, _, _ = strings.Cut(query, "#")
	q, err := url.ParseQuery(query)
	if err != nil || q.Get("state") == "" {
		return errNoURL
	}
	return a.accept(q, false)
}

// finish ends the attempt with its outcome, which the page is waiting for.
func (a *attempt) finish(t *core.Token, err error) {
	a.mu.Lock()
	a.used = true
	a.mu.Unlock()
	a.token, a.err = t, err
	close(a.finished)
}
