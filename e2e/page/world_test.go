// Package page_test signs people in on the local page, in a real browser.
package page_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/frontendtest"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/e2e/internal/browser"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/frontends/http/serve"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/stores/file"
)

const (
	ada   = "ada@example.com"
	grace = "grace@example.com"
)

// A world is a provider, a session, and the page for it.
type world struct {
	t        *testing.T
	provider *emulator.Emulator
	client   core.ClientSecrets
	session  *core.Session
	served
}

// newWorld returns a world in which a client is configured, or not.
func newWorld(t *testing.T, configured bool) *world {
	t.Helper()
	e, err := emulator.Start(t.Context(), emulator.Options{Accounts: []emulator.Account{{Email: ada}, {Email: grace}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	cs, err := oidc.ParseClientSecrets(e.ClientSecrets())
	if err != nil {
		t.Fatal(err)
	}
	provider := oidc.ProviderOptions{Issuer: e.Issuer(), InsecureLoopback: true}
	o := core.SessionOptions{Flow: authcode.New(authcode.Options{}), Provider: provider}
	if o.Store, err = file.New(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if configured {
		if o.Client, err = oidc.NewClient(cs, provider); err != nil {
			t.Fatal(err)
		}
	}
	s, err := core.NewSession(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &world{t: t, provider: e, client: cs, session: s}
}

// serve serves the page for the session.
func (w *world) serve(settings string) { w.served = serveApp(w.t, w.session, settings) }

// ends waits until the frontend has ended.
func (s served) ends(t *testing.T) {
	t.Helper()
	select {
	case <-s.done:
	case <-time.After(browser.Patience):
		t.Fatal("the frontend has not ended")
	}
}

// browser is a person at another program: ada says yes.
func (w *world) browser(ctx context.Context, p core.Prompt) (string, error) {
	return w.provider.Authorize(ctx, p.URL, ada)
}

// served is a frontend that runs.
type served struct {
	address string // with the key
	stop    context.CancelFunc
	done    chan struct{} // closed when err is set
	err     error
}

// serveApp runs the frontend for any App. It ends with t.
func serveApp(t *testing.T, app core.App, settings string) served {
	t.Helper()
	terminal := &terminal{}
	f, err := serve.Plugin().OpenFrontend(t.Context(), plugins.Request{Name: "http", Settings: []byte(settings), Dir: t.TempDir(), Terminal: terminal})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := served{stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.err = f.Run(ctx, app)
	}()
	t.Cleanup(func() {
		cancel()
		<-s.done
	})
	waiting, stop := context.WithTimeout(t.Context(), browser.Patience)
	defer stop()
	if err := terminal.Sees(waiting, "#key="); err != nil {
		t.Fatal(err)
	}
	for word := range strings.FieldsSeq(terminal.Shown()) {
		if strings.Contains(word, "#key=") {
			s.address = word
		}
	}
	return s
}

// A terminal shows lines, and nobody types.
type terminal struct {
	frontendtest.Screen
	plugins.Terminal
}

func (t *terminal) Print(_ context.Context, line string) error {
	_, err := fmt.Fprintln(&t.Screen, line)
	return err
}
