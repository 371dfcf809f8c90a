package cli

import (
	"context"
	"os"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/frontendtest"
)

// noCode is why the terminal shows no code.
const noCode = "the command line signs in with the authorization code flow, in which a person types no code"

// noClient is why the terminal sets no client.
const noClient = "tokentoss configure does, which is another command"

// A typist is the person at a terminal.
type typist struct {
	frontendtest.Screen
	keys *os.File
}

// SignIn implements [frontendtest.Person]: the command is the request.
func (*typist) SignIn(context.Context) error { return nil }

// Paste implements [frontendtest.Person].
func (p *typist) Paste(_ context.Context, text string) error {
	_, err := p.keys.WriteString(text + "\n")
	return err
}

// The terminal keeps to the contract of frontends where its input is no
// terminal: the browser is the only way to answer.
func TestConformanceWithoutTerminal(t *testing.T) {
	frontendtest.Run(t, func(t *testing.T) (core.Frontend, frontendtest.Person) {
		stdin, keys, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = keys.Close()
			_ = stdin.Close()
		})
		p := &typist{keys: keys}
		in := &Invocation{Stdin: stdin, Stdout: p, Stderr: p, say: messages{w: p}}
		return &terminal{in: in, browser: noBrowser, loginLock: &loginLock{}}, p
	}, frontendtest.SkipPaste("its input is no terminal"), frontendtest.SkipCode(noCode), frontendtest.SkipConfigure(noClient))
}
