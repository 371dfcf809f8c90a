package authcode_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// patience is how long a test waits for what happens at once when all is well.
const patience = 20 * time.Second

// ada is the person who signs in.
const ada = "ada@example.com"

// startGoogle starts a Google that ends with the test.
func startGoogle(t *testing.T, options emulator.Options) *emulator.Emulator {
	t.Helper()
	if options.Accounts == nil {
		options.Accounts = []emulator.Account{{Email: ada}}
	}
	e, err := emulator.Start(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// bounded is the context of a sign-in that a test waits for itself.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// nobody is a Prompter for sign-ins that must not get as far as to prompt.
func nobody(context.Context, core.Prompt) (string, error) {
	return "", errors.New("somebody was prompted")
}

// newClient returns the emulator's desktop client.
func newClient(t *testing.T, e *emulator.Emulator) *oidc.Client {
	t.Helper()
	secrets, err := oidc.ParseClientSecrets(e.ClientSecrets())
	if err != nil {
		t.Fatal(err)
	}
	client, err := oidc.NewClient(secrets, oidc.ProviderOptions{InsecureLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// A signIn is one that is under way, with a person who pastes what a test wants.
type signIn struct {
	t       *testing.T
	google  *emulator.Emulator
	prompts chan core.Prompt // each call of the Prompter
	answers chan string      // what the Prompter returns
	stopped chan struct{}    // closed when the Prompter's ctx ended
	prompt  core.Prompt      // the first
	cancel  context.CancelFunc
	ended   chan struct{}
	token   *core.Token
	err     error
}

// Prompt implements core.Prompter.
func (s *signIn) Prompt(ctx context.Context, p core.Prompt) (string, error) {
	select {
	case s.prompts <- p:
	case <-ctx.Done():
	}
	select {
	case answer := <-s.answers:
		return answer, nil
	case <-ctx.Done():
		close(s.stopped)
		return "", ctx.Err()
	}
}

// begin starts a sign-in with the emulator's client and returns when the person
// was prompted.
func begin(t *testing.T, e *emulator.Emulator, options authcode.Options) *signIn {
	t.Helper()
	flow := authcode.New(options)(newClient(t, e))
	return beginWith(t, e, flow.SignIn)
}

// beginWith starts a sign-in in its own goroutine, which ends with the test.
func beginWith(t *testing.T, e *emulator.Emulator, start func(context.Context, core.Prompter) (*core.Token, error)) *signIn {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &signIn{
		t: t, google: e, prompts: make(chan core.Prompt), answers: make(chan string),
		stopped: make(chan struct{}), ended: make(chan struct{}), cancel: cancel,
	}
	go func() {
		defer close(s.ended)
		s.token, s.err = start(ctx, s)
	}()
	t.Cleanup(func() { cancel(); <-s.ended })
	s.prompt = s.nextPrompt()
	return s
}

// nextPrompt waits for the Prompter to be called.
func (s *signIn) nextPrompt() core.Prompt {
	s.t.Helper()
	select {
	case p := <-s.prompts:
		return p
	case <-s.ended:
		s.t.Fatalf("the sign-in ended instead of prompting: %v", s.err)
	case <-time.After(patience):
		s.t.Fatal("nobody was prompted")
	}
	return core.Prompt{}
}

// paste answers the prompt that is open.
func (s *signIn) paste(text string) {
	s.t.Helper()
	select {
	case s.answers <- text:
	case <-s.ended:
		s.t.Fatalf("the sign-in ended before the person could paste: %v", s.err)
	case <-time.After(patience):
		s.t.Fatal("nothing takes what the person pastes")
	}
}

// outcome waits for the sign-in to end.
func (s *signIn) outcome() (*core.Token, error) {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.t.Fatal("the sign-in does not end")
	}
	return s.token, s.err
}

// succeed wants the sign-in to end with a token, and one code to have been
// exchanged.
func (s *signIn) succeed() *core.Token {
	s.t.Helper()
	token, err := s.outcome()
	if err != nil {
		s.t.Fatalf("sign-in failed: %v", err)
	}
	s.exchanged(1)
	return token
}

// exchanged wants so many codes to have been exchanged so far.
func (s *signIn) exchanged(want int) {
	s.t.Helper()
	if got := s.google.TokenCalls("authorization_code"); got != want {
		s.t.Errorf("the token endpoint got %d codes, expected %d", got, want)
	}
}

// waiting wants the sign-in to be still open, with no code exchanged.
func (s *signIn) waiting() {
	s.t.Helper()
	select {
	case <-s.ended:
		s.t.Fatalf("the sign-in is over: %v", s.err)
	default:
	}
	s.exchanged(0)
}

// agree has the person say yes at Google and returns where the browser is sent.
func (s *signIn) agree() string {
	s.t.Helper()
	redirect, err := s.google.Authorize(context.Background(), s.prompt.URL, ada)
	if err != nil {
		s.t.Fatal(err)
	}
	return redirect
}

// finish has the right redirect arrive, as after an attack that failed.
func (s *signIn) finish() {
	s.t.Helper()
	s.follow(s.agree())
	s.succeed()
}

// follow sends the browser to a good redirect and on to the page behind it.
func (s *signIn) follow(redirect string) answer {
	s.t.Helper()
	a := get(s.t, redirect)
	if a.status != http.StatusSeeOther {
		s.t.Fatalf("the redirect was answered with %d: %s", a.status, a.body)
	}
	return get(s.t, s.at(a.header.Get("Location")))
}

// address is the host:port of the listener.
func (s *signIn) address() string { return mustURL(s.t, s.prompt.RedirectURL).Host }

// at returns the URL of another path of the listener.
func (s *signIn) at(path string) string { return "http://" + s.address() + path }

// state is the state of this sign-in, which a stranger does not know.
func (s *signIn) state() string { return mustURL(s.t, s.prompt.URL).Query().Get("state") }

// callback returns a redirect with parameters that a test made up.
func (s *signIn) callback(pairs ...string) string {
	q := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		q.Set(pair[0], pair[1])
	}
	return s.prompt.RedirectURL + "?" + q.Encode()
}

// An answer is what a browser got.
type answer struct {
	status int
	header http.Header
	body   string
}

// get fetches a page as a browser that follows nothing. change may alter the
// request.
func get(t *testing.T, where string, change ...func(*http.Request)) answer {
	t.Helper()
	a, err := fetch(where, change...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// fetch is get for goroutines.
func fetch(where string, change ...func(*http.Request)) (answer, error) {
	req, err := http.NewRequest(http.MethodGet, where, nil)
	if err != nil {
		return answer{}, err
	}
	for _, c := range change {
		c(req)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}, err
}

// method changes the method of a request.
func method(m string) func(*http.Request) { return func(r *http.Request) { r.Method = m } }

// header sets a header of a request, the Host included.
func header(name, value string) func(*http.Request) {
	return func(r *http.Request) {
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
}

// refused wants an answer with a status and the login to be still open.
func (s *signIn) refused(a answer, status int) {
	s.t.Helper()
	if a.status != status {
		s.t.Errorf("answered %d, expected %d: %s", a.status, status, a.body)
	}
	if loc := a.header.Get("Location"); loc != "" {
		s.t.Errorf("redirects to %q", loc)
	}
	s.waiting()
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// listening tells whether somebody takes connections at address.
func listening(address string) bool {
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// hasNone wants text to hold none of the secrets, and the secrets to be some.
func hasNone(t *testing.T, where, text string, secrets map[string]string) {
	t.Helper()
	for name, secret := range secrets {
		if len(secret) < 8 {
			t.Errorf("the test found no %s to look for", name)
		} else if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
			t.Errorf("%s holds the %s", where, name)
		}
	}
}

// errorAs is errors.As for tests.
func errorAs[E error](t *testing.T, err error) E {
	t.Helper()
	var e E
	if !errors.As(err, &e) {
		t.Fatalf("error is %T (%v), expected %T", err, err, e)
	}
	return e
}
