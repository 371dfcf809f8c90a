package encrypted

import (
	"context"
	"errors"
	"sync"

	"filippo.io/age"

	"github.com/tokentoss/tokentoss/core"
)

// Keys are what the documents of a store are encrypted for and opened with. A
// store calls one method at a time, for any number of callers, and keeps what it
// gets for as long as it lives: an answer may take a person.
//
// Errors wrap [core.ErrSealed] where a person has to unlock something, and
// [core.ErrUnavailable] and [core.ErrRefused] where that is what is wrong.
type Keys interface {
	// Recipient returns the recipient to encrypt for. If there is no key yet, it
	// makes one.
	Recipient(ctx context.Context) (age.Recipient, error)

	// Identity returns what opens the documents. It makes none.
	Identity(ctx context.Context) (age.Identity, error)

	// Protection says in one line what the key is and where, for people.
	Protection() string
}

// kept calls Keys once for all who ask at the same time, and keeps the answers.
type kept struct {
	keys Keys

	mu        sync.Mutex
	recipient age.Recipient
	identity  age.Identity
	call      *call
}

// A call of Keys that is under way.
type call struct {
	identity bool // or else the recipient
	done     chan struct{}
	err      error // when done is closed
}

// forSaving returns the recipient.
func (k *kept) forSaving(ctx context.Context) (age.Recipient, error) {
	if err := k.have(ctx, false); err != nil {
		return nil, err
	}
	return k.recipient, nil
}

// forLoading returns the identity.
func (k *kept) forLoading(ctx context.Context) (age.Identity, error) {
	if err := k.have(ctx, true); err != nil {
		return nil, err
	}
	return k.identity, nil
}

// have returns when the identity, or the recipient, is there. Who comes first
// calls Keys, with its ctx; who comes meanwhile gets the same answer, unless that
// is only that the first one's ctx has ended.
func (k *kept) have(ctx context.Context, identity bool) error {
	for {
		k.mu.Lock()
		if identity && k.identity != nil || !identity && k.recipient != nil {
			k.mu.Unlock()
			return nil
		}
		c := k.call
		if c == nil {
			c = &call{identity: identity, done: make(chan struct{})}
			k.call = c
			k.mu.Unlock()
			k.do(ctx, c)
			return c.err
		}
		k.mu.Unlock()
		select {
		case <-c.done:
		case <-ctx.Done():
			return &Error{Subject: k.keys.Protection(), Kind: core.ErrSealed, Problem: "somebody else is unlocking it", Cause: ctx.Err()}
		}
		if c.identity == identity && c.err != nil && !isContext(c.err) {
			return c.err
		}
	}
}

// do makes the call c, and lets those go on who wait for it.
func (k *kept) do(ctx context.Context, c *call) {
	var recipient age.Recipient
	var identity age.Identity
	c.err = errUnfinished // if Keys panics
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if c.err == nil && c.identity {
			k.identity = identity
		} else if c.err == nil {
			k.recipient = recipient
		}
		k.call = nil
		close(c.done)
	}()
	if c.identity {
		identity, c.err = k.keys.Identity(ctx)
	} else {
		recipient, c.err = k.keys.Recipient(ctx)
	}
}

// errUnfinished is what waiting callers get when the call of Keys did not return.
var errUnfinished = errors.New("the key was not had")
