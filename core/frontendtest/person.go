package frontendtest

import (
	"context"

	"github.com/tokentoss/tokentoss/core"
)

// A Person operates one frontend as its user would: with keys, clicks or lines,
// never with calls of the frontend itself. Where a frontend writes text, a
// [Screen] has most of it.
//
// A Person may also be a [Configurer], a [SignOuter] and a [Leaver]. Each method
// returns soon when its ctx ends. What is shown can also be asked for after Run
// has returned: a person remembers what was there.
type Person interface {
	// SignIn asks to sign in. It does nothing for a frontend that signs in by
	// itself.
	SignIn(ctx context.Context) error

	// Address waits for the address that the person is to open, and returns it
	// as it is shown: one that it has not returned before.
	Address(ctx context.Context) (string, error)

	// Paste gives text, one line, as the answer to the prompt. It is called
	// after Address. A frontend with [SkipPaste] may return any error.
	Paste(ctx context.Context, text string) error

	// Sees waits until text is, or has been, before the person's eyes: an e-mail
	// address, a problem, the words of an error.
	Sees(ctx context.Context, text string) error

	// Shown returns all that was before the person's eyes so far, and all that
	// stood behind it, such as the source of a page. No secret may be in it.
	Shown() string
}

// A Configurer is a [Person] who can set the OAuth client.
type Configurer interface {
	// Configure enters the client's ID and secret and submits them, once the
	// frontend asks for them.
	Configure(ctx context.Context, c core.ClientSecrets) error
}

// A SignOuter is a [Person] who can sign out.
type SignOuter interface {
	SignOut(ctx context.Context) error
}

// A Leaver is a [Person] who can end a frontend that [Stays].
type Leaver interface {
	Leave(ctx context.Context) error
}
