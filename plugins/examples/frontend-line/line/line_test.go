package line_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/frontendtest"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/examples/frontend-line/line"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, line.Plugin()) }

func TestConformance(t *testing.T) {
	plugintest.Frontend(t, line.Plugin(), func(t *testing.T) (plugins.Request, frontendtest.Person) {
		terminal := plugintest.NewTerminal()
		return plugins.Request{Terminal: terminal}, terminal
	}, frontendtest.SkipConfigure("tokentoss configure does"))
}

// Where nothing can be typed, the browser is the only way to answer.
func TestWithoutInput(t *testing.T) {
	plugintest.Frontend(t, line.Plugin(), func(t *testing.T) (plugins.Request, frontendtest.Person) {
		terminal := plugintest.NewTerminal()
		terminal.EndInput()
		return plugins.Request{Terminal: terminal}, terminal
	}, frontendtest.SkipConfigure("tokentoss configure does"), frontendtest.SkipPaste("this test ended the input"))
}

// A script that expects lines finds the address on a line of its own, and can set
// the line after which it answers. An empty line is no answer.
func TestLines(t *testing.T) {
	for _, c := range plugintest.Carriers() {
		t.Run(string(c), func(t *testing.T) {
			terminal := plugintest.NewTerminal()
			f, err := plugintest.OpenFrontend(t, c, line.Plugin(), plugins.Request{Terminal: terminal, Settings: []byte(`{"ask": "ANSWER?"}`)})
			if err != nil {
				t.Fatal(err)
			}
			for _, typed := range []string{"", "  ", "http://127.0.0.1/?code=x"} {
				if err := terminal.Paste(t.Context(), typed); err != nil {
					t.Fatal(err)
				}
			}
			if err := f.Run(t.Context(), scripted{}); err != nil {
				t.Fatal(err)
			}
			const want = "To sign in, open this address in a browser:\nhttps://sign-in.example.com/?state=1\n" +
				"ANSWER?\nSigned in as ada@example.com.\n"
			if got := terminal.Shown(); got != want {
				t.Errorf("the terminal shows\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// scripted is an App with one thing to do.
type scripted struct{ core.App }

// SignIn implements [core.App].
func (scripted) SignIn(ctx context.Context, p core.Prompter) (core.Status, error) {
	answer, err := p.Prompt(ctx, core.Prompt{URL: "https://sign-in.example.com/?state=1"})
	if err == nil && !strings.Contains(answer, "code=x") {
		err = errors.New("it is not the answer that was typed")
	}
	return core.Status{State: core.SignedIn, Email: "ada@example.com"}, err
}

func TestSettings(t *testing.T) {
	for _, c := range plugintest.Carriers() {
		f, err := plugintest.OpenFrontend(t, c, line.Plugin(), plugins.Request{Terminal: plugintest.NewTerminal(), Settings: []byte(`{"aks": ""}`)})
		if err == nil {
			err = f.Run(t.Context(), scripted{})
		}
		if !errors.Is(err, plugins.ErrBadConfig) {
			t.Errorf("%s: error is %v, want ErrBadConfig", c, err)
		}
	}
}
