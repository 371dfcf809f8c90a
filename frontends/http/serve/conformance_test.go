package serve_test

import (
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/frontendtest"
	"github.com/tokentoss/tokentoss/frontends/http/serve"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, serve.Plugin()) }

// words are how the page shows the errors of core.
func words() []frontendtest.Option {
	return []frontendtest.Option{
		frontendtest.WithWords(core.ErrDenied, "The sign-in was refused"),
		frontendtest.WithWords(core.ErrSignInTimeout, "The sign-in was not finished in time"),
		frontendtest.WithWords(core.ErrNotSaved, "the session could not be saved"),
		frontendtest.WithWords(core.ErrSignInNeeded, "The session has ended"),
		frontendtest.WithWords(core.ErrUnavailable, "cannot be reached"),
		frontendtest.WithWords(core.ErrNotRevoked, "the provider could not be told"),
		frontendtest.WithWords(core.ErrNotConfigured, noClient),
	}
}

func TestConformance(t *testing.T) {
	t.Run("stays", func(t *testing.T) {
		plugintest.Frontend(t, serve.Plugin(), func(t *testing.T) (plugins.Request, frontendtest.Person) {
			p := newPerson(false)
			return plugins.Request{Terminal: p, Dir: t.TempDir()}, p
		}, append(words(), frontendtest.Stays(), frontendtest.SkipLeave("it is ended where it was started"))...)
	})
	t.Run("once", func(t *testing.T) {
		plugintest.Frontend(t, serve.Plugin(), func(t *testing.T) (plugins.Request, frontendtest.Person) {
			p := newPerson(true)
			return plugins.Request{Terminal: p, Settings: []byte(`{"once": true}`)}, p
		}, words()...)
	})
}
