package gonb

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/signin"
)

const (
	address = "https://provider.invalid/auth?state=planted-state"
	landed  = "http://127.0.0.1:1/callback?code=planted-code&state=planted-state"
	secret  = "planted-client-secret"
	ada     = "ada@example.com"
)

// soon bounds what is waited for. No test passes by waiting that long.
const soon = 20 * time.Second

// A front is the front end of a cell, in the hands of a test.
type front struct {
	*cell
	t       *testing.T
	scripts chan string  // run by the browser
	down    chan message // to the widget
	prompts chan string
	answers chan string   // of the person
	kernel  chan struct{} // closed when it ends
	early   []string      // scripts that came before the one that was waited for

	mu       sync.Mutex
	shown    []string
	listener func(string)
}

// A message is one to the widget.
type message struct {
	Type    string                 `json:"type"`
	Phase   string                 `json:"phase"`
	Account string                 `json:"account"`
	Attempt uint64                 `json:"attempt"`
	AuthURL string                 `json:"auth_url"`
	Error   *struct{ Code string } `json:"error"`
}

// newFront returns a cell whose front end has both ways.
func newFront(t *testing.T) *front {
	f := &front{
		t: t, scripts: make(chan string, 10), down: make(chan message, 100), prompts: make(chan string, 10),
		answers: make(chan string, 10), kernel: make(chan struct{}),
	}
	f.cell = &cell{
		widget: true, patience: soon, closing: soon, id: "element", address: "/channel", show: f.see, ask: f.prompted,
		run:    func(script string) { f.scripts <- script },
		listen: func(g func(string)) { f.mu.Lock(); defer f.mu.Unlock(); f.listener = g },
		send:   f.receive,
	}
	f.kernelEnds = func(ctx context.Context) bool {
		select {
		case <-f.kernel:
			return true
		case <-ctx.Done():
			return false
		}
	}
	return f
}

// see is the output of the cell. There is nothing secret in it, ever.
func (f *front) see(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shown = append(f.shown, text)
	for _, planted := range []string{"planted", ada, "http"} {
		if strings.Contains(text, planted) {
			f.t.Errorf("the notebook has %q", text)
		}
	}
}

func (f *front) receive(text string) {
	var m message
	if text == ping {
		return
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		f.t.Errorf("the widget is sent %q: %v", text, err)
	}
	f.down <- m
}

// prompted is the prompt. It is open until it is answered or not wanted any more.
func (f *front) prompted(ctx context.Context, prompt string) (string, error) {
	f.prompts <- prompt
	select {
	case answer := <-f.answers:
		return answer, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// up is a message of the widget.
func (f *front) up(m signin.ClientMessage) {
	m.V = signin.Version
	fields := map[string]any{"v": 1, "type": m.Type, "attempt": m.Attempt, "url": m.URL.Reveal(), "client_id": m.ClientID, "client_secret": m.ClientSecret.Reveal()}
	data, err := json.Marshal(fields)
	if err != nil {
		f.t.Error(err)
	}
	f.mu.Lock()
	listener := f.listener
	f.mu.Unlock()
	listener(string(data))
}

// until waits for a message to the widget.
func (f *front) until(what string, ok func(message) bool) message {
	f.t.Helper()
	for {
		m := next(f.t, what, f.down)
		if ok(m) {
			return m
		}
	}
}

func (f *front) armed() message {
	f.t.Helper()
	return f.until("an address", func(m message) bool { return m.Type == "armed" })
}

// last is what the cell's output says in the end.
func (f *front) last(want string) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.shown) == 0 || f.shown[len(f.shown)-1] != want {
		f.t.Errorf("the output says %q, and %q was wanted last", f.shown, want)
	}
}

// script waits for a script that has text. The link may come before a widget that has
// no time.
func (f *front) script(text string) {
	f.t.Helper()
	has := func(script string) bool { return strings.Contains(script, text) }
	for !slices.ContainsFunc(f.early, has) {
		f.early = append(f.early, next(f.t, "a script with "+text, f.scripts))
	}
	i := slices.IndexFunc(f.early, has)
	f.early = slices.Delete(f.early, i, i+1)
}

func next[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(soon):
		t.Fatalf("waiting in vain: %s", what)
		panic("unreachable")
	}
}

// An app is a core.App whose provider is in the hands of a test.
type app struct {
	core.App
	redirect chan error // how the browser's answer ends the sign-in
	saveErr  error      // of clients

	mu     sync.Mutex
	status core.Status
	saved  []core.ClientSecrets
}

func newApp(state core.State) *app {
	return &app{redirect: make(chan error, 1), status: core.Status{State: state}}
}

func (a *app) Status(context.Context) (core.Status, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.status, nil
}

func (a *app) Watch(ctx context.Context) (<-chan core.Status, error) {
	states := make(chan core.Status, 1)
	st, _ := a.Status(ctx)
	states <- st
	context.AfterFunc(ctx, func() { close(states) })
	return states, nil
}

func (a *app) Configure(_ context.Context, cs core.ClientSecrets) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if cs.ClientID == "wrong" {
		return errors.New("that is not a client")
	}
	a.saved = append(a.saved, cs)
	a.status.State = core.SignedOut
	return a.saveErr
}

func (a *app) clients() []core.ClientSecrets {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.saved)
}

// SignIn ends by what is pasted or by the redirect, whichever is first.
func (a *app) SignIn(ctx context.Context, p core.Prompter) (core.Status, error) {
	asking, answered := context.WithCancel(ctx)
	pasted := make(chan struct{})
	var work sync.WaitGroup
	defer work.Wait()
	defer answered()
	work.Go(func() {
		prompt := core.Prompt{URL: address}
		for {
			answer, err := p.Prompt(asking, prompt)
			if err != nil {
				return
			}
			if answer == landed {
				close(pasted)
				return
			}
			prompt.Problem = "it has no code"
		}
	})
	var err error
	select {
	case <-ctx.Done():
		return core.Status{}, ctx.Err()
	case err = <-a.redirect:
	case <-pasted:
	}
	if err != nil {
		return core.Status{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status = core.Status{State: core.SignedIn, Email: ada}
	return a.status, nil
}
