package device_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/device"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

const (
	ada = "ada@example.com"

	tvID, tvSecret = "tv.apps.googleusercontent.com", "tv-secret"
)

// A world is a Google whose clock is that of the test, which is a bubble of package
// synctest: an hour of waiting takes no time, and each poll has an exact time.
type world struct {
	t       *testing.T
	google  *emulator.Emulator
	client  *oidc.Client
	network *http.Transport

	now   atomic.Int64 // of Google, which lives outside of the bubble
	began time.Time

	mu      sync.Mutex
	prompts []core.Prompt
	answers []string // what the prompter returns, in turn; then it waits
}

// inWorld runs f in a bubble with a Google.
func inWorld(t *testing.T, o emulator.Options, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	w := &world{}
	o.Accounts = []emulator.Account{{Email: ada}}
	o.Clients = []emulator.Client{{ID: tvID, Secret: tvSecret, Type: emulator.LimitedInput}}
	o.Now = func() time.Time { return time.Unix(0, w.now.Load()) }
	e, err := emulator.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	w.google = e
	synctest.Test(t, func(t *testing.T) {
		w.t, w.began = t, time.Now()
		w.network = &http.Transport{DisableKeepAlives: true} // nothing is left in the bubble
		w.client = w.newClient(tvID, tvSecret)
		f(t, w)
	})
}

func (w *world) newClient(id, secret string) *oidc.Client {
	w.t.Helper()
	c, err := oidc.NewClient(core.ClientSecrets{ClientID: id, ClientSecret: core.Secret(secret)},
		oidc.ProviderOptions{Issuer: w.google.Issuer(), InsecureLoopback: true, Transport: w})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// RoundTrip implements http.RoundTripper. Google's clock is set by each request.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.now.Store(time.Now().UnixNano())
	return w.network.RoundTrip(r)
}

// Prompt implements core.Prompter.
func (w *world) Prompt(ctx context.Context, p core.Prompt) (string, error) {
	w.mu.Lock()
	w.prompts = append(w.prompts, p)
	if len(w.answers) > 0 {
		answer := w.answers[0]
		w.answers = w.answers[1:]
		w.mu.Unlock()
		return answer, nil
	}
	w.mu.Unlock()
	<-ctx.Done()
	return "", ctx.Err()
}

// prompt returns the prompt that there was, the last one.
func (w *world) prompt() core.Prompt {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.prompts) == 0 {
		w.t.Fatal("nobody was prompted")
	}
	return w.prompts[len(w.prompts)-1]
}

// at has somebody do something so long after the beginning.
func (w *world) at(d time.Duration, do func()) {
	go func() {
		time.Sleep(d - time.Since(w.began))
		do()
	}()
}

// agree types the code in, as Ada.
func (w *world) agree() {
	w.now.Store(time.Now().UnixNano())
	if err := w.google.ApproveDevice(context.Background(), w.prompt().Code, ada); err != nil {
		w.t.Error(err)
	}
}

func (w *world) signIn(ctx context.Context, o device.Options) (*core.Token, error) {
	return device.New(o)(w.client).SignIn(ctx, w)
}

// polls returns when Google was asked for tokens, in seconds since the beginning.
func (w *world) polls() []int {
	var at []int
	for _, r := range w.google.Requests(emulator.Token) {
		at = append(at, int(r.Time.Sub(w.began)/time.Second))
	}
	return at
}

// wantPolls wants the first polls to have been at these seconds, and no more polls.
func (w *world) wantPolls(want ...int) {
	w.t.Helper()
	if got := w.polls(); !slices.Equal(got, want) {
		w.t.Errorf("polls after %v seconds, want %v", got, want)
	}
}

// wantAfter wants so many seconds to have gone by.
func (w *world) wantAfter(seconds int) {
	w.t.Helper()
	if got := time.Since(w.began); got != time.Duration(seconds)*time.Second {
		w.t.Errorf("it ended after %v, want %d seconds", got, seconds)
	}
}

// answer has the token endpoint, or another one, answer what a test wants.
func (w *world) answer(endpoint emulator.Endpoint, status int, body string, times int) {
	w.google.SetFault(endpoint, &emulator.Fault{
		Status: status, Body: []byte(body), Header: http.Header{"Content-Type": {"application/json"}}, Times: times,
	})
}

func oauthError(code string) string { return fmt.Sprintf(`{"error": %q}`, code) }

func errorAs[T error](t *testing.T, err error) T {
	t.Helper()
	var e T
	if !errors.As(err, &e) {
		t.Fatalf("error is %T: %v, want a %T", err, err, e)
	}
	return e
}
