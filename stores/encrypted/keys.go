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
// gets: an answer may take a person. It asks for the identity again where a
// document is for another, as other processes may have made one; whoever is asked
// troubles a person again only if the key has changed.
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
	identity  *opened
	call      *call
}

// An opened identity can be told from another one.
type opened struct{ age.Identity }

// A call of Keys that is under way. Its results are there when done is closed.
type call struct {
	loading   bool // or else saving
	done      chan struct{}
	recipient age.Recipient
	identity  *opened
	err       error
}

// forSaving returns the recipient.
func (k *kept) forSaving(ctx context.Context) (age.Recipient, error) {
	recipient, _, err := k.have(ctx, false)
	return recipient, err
}

// forLoading returns the identity.
func (k *kept) forLoading(ctx context.Context) (*opened, error) {
	_, identity, err := k.have(ctx, true)
	return identity, err
}

// renewed returns the identity that is in use by now, where old did not fit. The
// recipient was that of old, and is forgotten too.
func (k *kept) renewed(ctx context.Context, old *opened) (*opened, error) {
	k.mu.Lock()
	if k.identity == old {
		k.identity, k.recipient = nil, nil
	}
	k.mu.Unlock()
	return k.forLoading(ctx)
}

// have returns what is kept for loading or for saving. If it is not there, who
// comes first calls Keys, with its ctx; who comes meanwhile gets the same answer,
// unless that is only that the first one's ctx has ended.
func (k *kept) have(ctx context.Context, loading bool) (age.Recipient, *opened, error) {
	for {
		k.mu.Lock()
		recipient, identity, c := k.recipient, k.identity, k.call
		if loading && identity != nil || !loading && recipient != nil {
			k.mu.Unlock()
			return recipient, identity, nil
		}
		if c == nil {
			c = &call{loading: loading, done: make(chan struct{})}
			k.call = c
			k.mu.Unlock()
			k.do(ctx, c)
			return c.recipient, c.identity, c.err
		}
		k.mu.Unlock()
		select {
		case <-c.done:
		case <-ctx.Done():
			return nil, nil, &core.Error{Subject: k.keys.Protection(), Kind: core.ErrSealed, Problem: "somebody else is unlocking it", Err: ctx.Err()}
		}
		if c.loading == loading && !isContext(c.err) {
			return c.recipient, c.identity, c.err
		}
	}
}

// do makes the call c, and lets those go on who wait for it.
func (k *kept) do(ctx context.Context, c *call) {
	c.err = errUnfinished // if Keys panics
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		switch {
		case c.err != nil:
			c.recipient, c.identity = nil, nil
		case c.loading:
			k.identity = c.identity
		default:
			k.recipient = c.recipient
		}
		k.call = nil
		close(c.done)
	}()
	if c.loading {
		var identity age.Identity
		identity, c.err = k.keys.Identity(ctx)
		c.identity = &opened{identity}
	} else {
		c.recipient, c.err = k.keys.Recipient(ctx)
	}
}

// errUnfinished is what waiting callers get when the call of Keys did not return.
var errUnfinished = errors.New("the key was not had")
