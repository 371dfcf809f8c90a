package notebook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/frontendtest"
	"github.com/tokentoss/tokentoss/frontends/notebook"
	"github.com/tokentoss/tokentoss/frontends/signin"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, notebook.Plugin()) }

// noClient is what the widget shows where there is no OAuth client.
const noClient = "No OAuth client is configured yet"

// settings are what the program that carries the messages says.
var settings = []byte(`{"protocol": "tokentoss.widget/1"}`)

func TestConformance(t *testing.T) {
	plugintest.Frontend(t, notebook.Plugin(), func(*testing.T) (plugins.Request, frontendtest.Person) {
		p := newPerson()
		return plugins.Request{Terminal: p, Settings: settings}, p
	},
		frontendtest.Stays(),
		frontendtest.WithWords(core.ErrDenied, "The sign-in was refused"),
		frontendtest.WithWords(core.ErrSignInTimeout, "The sign-in was not finished in time"),
		frontendtest.WithWords(core.ErrNotSaved, "the session could not be saved"),
		frontendtest.WithWords(core.ErrSignInNeeded, "The session has ended"),
		frontendtest.WithWords(core.ErrUnavailable, "cannot be reached"),
		frontendtest.WithWords(core.ErrNotRevoked, "the provider could not be told"),
		frontendtest.WithWords(core.ErrNotConfigured, noClient),
	)
}

// TestMisuse: a person who chose this frontend for a shell is told what to do
// instead.
func TestMisuse(t *testing.T) {
	for name, d := range map[string]struct{ settings, want string }{
		"no settings":      {``, "for notebooks"},
		"another protocol": {`{"protocol": "tokentoss.widget/2"}`, "tokentoss.widget/1"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, c := range plugintest.Carriers() {
				f, err := plugintest.OpenFrontend(t, c, notebook.Plugin(), plugins.Request{Terminal: newPerson(), Settings: []byte(d.settings)})
				if err == nil { // what is in another process is opened by Run
					err = f.Run(t.Context(), nil)
				}
				if err == nil || !strings.Contains(err.Error(), d.want) {
					t.Fatalf("%s: the error is %v", c, err)
				}
				if hint := fault.RemedyOf(err).String(); !strings.Contains(hint, "choose another frontend") {
					t.Errorf("%s: the hint of %v is %q", c, err, hint)
				}
			}
		})
	}
	if _, err := notebook.Plugin().OpenFrontend(t.Context(), plugins.Request{Settings: settings}); err == nil {
		t.Error("there is a frontend without a terminal")
	}
}

// A person has a widget, and is the terminal that carries its messages.
type person struct {
	frontendtest.Screen
	plugins.Terminal
	up chan string // empty: the person leaves

	mu      sync.Mutex
	behind  strings.Builder // all messages
	last    signin.Snapshot
	armed   signin.Armed
	changed chan struct{}
}

func newPerson() *person { return &person{up: make(chan string, 16), changed: make(chan struct{})} }

// ReadSecret implements [plugins.Terminal].
func (p *person) ReadSecret(ctx context.Context, _ string) (core.Secret, error) {
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case m := <-p.up:
		if m == "" {
			return "", io.EOF
		}
		return core.Secret(m), nil
	}
}

// Print implements [plugins.Terminal].
func (p *person) Print(_ context.Context, line string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.behind.WriteString(line)
	var kind struct{ Type string }
	_ = json.Unmarshal([]byte(line), &kind)
	if kind.Type == "armed" {
		_ = json.Unmarshal([]byte(line), &p.armed)
		fmt.Fprintf(&p.Screen, "%s\n%s\n", p.armed.AuthURL, p.armed.Code)
	} else {
		p.last = signin.Snapshot{}
		_ = json.Unmarshal([]byte(line), &p.last)
		p.show()
	}
	close(p.changed)
	p.changed = make(chan struct{})
	return nil
}

// show writes what the widget shows of the last snapshot.
func (p *person) show() {
	s := p.last
	fmt.Fprintf(&p.Screen, "%s %s %s\n", s.Phase, s.Account, s.Reason)
	if s.Phase == signin.Unconfigured {
		fmt.Fprintln(&p.Screen, noClient)
	}
	if s.Error != nil {
		fmt.Fprintln(&p.Screen, s.Error.Message, s.Error.Detail)
	}
}

// say sends a message of the widget.
func (p *person) say(ctx context.Context, m signin.ClientMessage) error {
	m.V = signin.Version
	data, err := json.Marshal(struct {
		signin.ClientMessage
		URL          string `json:"url,omitempty"`
		ClientSecret string `json:"client_secret,omitempty"`
	}{m, m.URL.Reveal(), m.ClientSecret.Reveal()})
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case p.up <- string(data):
		return nil
	}
}

// wait waits until the widget shows what is wanted.
func (p *person) wait(ctx context.Context, want func(signin.Snapshot) bool) error {
	for {
		p.mu.Lock()
		s, changed := p.last, p.changed
		p.mu.Unlock()
		if want(s) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// SignIn implements [frontendtest.Person].
func (p *person) SignIn(ctx context.Context) error {
	err := p.wait(ctx, func(s signin.Snapshot) bool {
		return s.Busy == "" && (s.Phase == signin.SignedOut || s.Phase == signin.NeedsSignIn)
	})
	if err != nil {
		return err
	}
	return p.say(ctx, signin.ClientMessage{Type: "arm"})
}

// Address implements [frontendtest.Person]. The person clicks, and sees that it was
// noticed.
func (p *person) Address(ctx context.Context) (string, error) {
	address, err := p.Screen.Address(ctx)
	if err != nil {
		return "", err
	}
	attempt := p.attempt()
	if err := p.say(ctx, signin.ClientMessage{Type: "opened", Attempt: attempt}); err != nil {
		return "", err
	}
	return address, p.wait(ctx, func(s signin.Snapshot) bool { return s.Attempt != attempt || s.Phase == signin.Waiting })
}

func (p *person) attempt() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.armed.Attempt
}

// Paste implements [frontendtest.Person].
func (p *person) Paste(ctx context.Context, text string) error {
	return p.say(ctx, signin.ClientMessage{Type: "redirect", Attempt: p.attempt(), URL: core.Secret(text)})
}

// Configure implements [frontendtest.Configurer].
func (p *person) Configure(ctx context.Context, c core.ClientSecrets) error {
	return p.say(ctx, signin.ClientMessage{Type: "configure", ClientID: c.ClientID, ClientSecret: c.ClientSecret})
}

// SignOut implements [frontendtest.SignOuter].
func (p *person) SignOut(ctx context.Context) error {
	return p.say(ctx, signin.ClientMessage{Type: "sign_out"})
}

// Leave implements [frontendtest.Leaver].
func (p *person) Leave(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case p.up <- "":
		return nil
	}
}

// Shown implements [frontendtest.Person].
func (p *person) Shown() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Screen.Shown() + p.behind.String()
}
