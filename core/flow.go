package core

import (
	"context"
	"time"

	"github.com/tokentoss/tokentoss/core/oidc"
)

// A Token is what a provider granted.
type Token = oidc.Token

// A Flow obtains a [Token] from an OpenID provider, asking p for what only a
// person can do. It returns tokens whose claims it has not interpreted beyond
// the nonce: [Session.SignIn] verifies them before anything is stored.
//
// SignIn returns [ErrDenied] when the person or the provider said no,
// [ErrSignInTimeout] when nobody answered in time, and ctx's error when ctx
// ended. When it returns, nothing that it opened is left open.
type Flow interface {
	SignIn(ctx context.Context, p Prompter) (*Token, error)
}

// A FlowFunc makes the Flow for a client. A Session calls it for each sign-in,
// since its client may be configured while it lives.
type FlowFunc func(*oidc.Client) Flow

// A Prompter shows a [Prompt] to the person who signs in, and may return what
// the person typed or pasted in answer.
//
// Its ctx ends when the answer came another way (the redirect arrived) or when
// the sign-in is over; Prompt must then return soon. A Prompter that has no way
// to take an answer shows the prompt and waits for ctx to end.
type Prompter interface {
	Prompt(ctx context.Context, p Prompt) (answer string, err error)
}

// A Confirmer is a [Prompter] that is told who signed in, before that is kept: the
// account may be another one than before, or somebody else's. With an error the
// sign-in fails with it, and the session is as it was.
type Confirmer interface {
	Prompter
	Confirm(ctx context.Context, signedIn Status) error
}

// A PrompterFunc is a function that is a [Prompter].
type PrompterFunc func(ctx context.Context, p Prompt) (string, error)

// Prompt calls f.
func (f PrompterFunc) Prompt(ctx context.Context, p Prompt) (string, error) { return f(ctx, p) }

// A Prompt is what a person has to do to sign in.
type Prompt struct {
	// URL is the page to open. It carries the state and nonce of one sign-in:
	// show it to the person who signs in, and do not log it.
	URL string

	// Code is the code to type there, for flows that have one (RFC 8628).
	Code string

	// RedirectURL is where the provider will send the browser. An answer is the
	// whole URL that the browser ends on, when that page cannot be reached.
	RedirectURL string

	// Deadline is when the Flow stops waiting.
	Deadline time.Time

	// Problem says why the last answer was not taken; empty at first.
	Problem string
}
