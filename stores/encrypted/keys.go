package encrypted

import (
	"context"
	"errors"
	"sync"

	"github.com/tokentoss/tokentoss/core"
)

// Keys is where the key of a store comes from. A store calls it for one caller at a time,
// and keeps what it gets: an answer may take a person. It asks again where a document is
// for another key, as other processes may have made one; whoever is asked troubles a
// person again only if the key has changed.
//
// Errors wrap [core.ErrSealed] where a person has to unlock something, and
// [core.ErrUnavailable] and [core.ErrRefused] where that is what is wrong.
type Keys interface {
	// Key returns the key. If there is none yet, it makes one if create is set.
	Key(ctx context.Context, create bool) (*Key, error)

	// Protection says in one line what the key is and where, for people.
	Protection() string
}

// kept calls Keys once for all who ask at the same time, and keeps the answer.
type kept struct {
	keys Keys

	mu   sync.Mutex
	key  *Key
	call *call
}

// A call of Keys that is under way. Its results are there when done is closed.
type call struct {
	create bool
	done   chan struct{}
	key    *Key
	err    error
}

// renewed returns the key that is in use by now, where old did not open a document.
func (k *kept) renewed(ctx context.Context, old *Key) (*Key, error) {
	k.mu.Lock()
	if k.key == old {
		k.key = nil
	}
	k.mu.Unlock()
	return k.have(ctx, false)
}

// have returns the key. If it is not there, who comes first calls Keys, with its ctx; who
// comes meanwhile gets the same answer, unless that is only that the first one's ctx has
// ended, or that there is no key and another one may be made.
func (k *kept) have(ctx context.Context, create bool) (*Key, error) {
	for {
		k.mu.Lock()
		key, c := k.key, k.call
		if key != nil {
			k.mu.Unlock()
			return key, nil
		}
		if c == nil {
			c = &call{create: create, done: make(chan struct{})}
			k.call = c
			k.mu.Unlock()
			k.do(ctx, c)
			return c.key, c.err
		}
		k.mu.Unlock()
		select {
		case <-c.done:
		case <-ctx.Done():
			return nil, &core.Error{Subject: k.keys.Protection(), Kind: core.ErrSealed, Problem: "somebody else is unlocking it", Err: ctx.Err()}
		}
		if c.err == nil || c.create == create && !isContext(c.err) {
			return c.key, c.err
		}
	}
}

// do makes the call c, and lets those go on who wait for it.
func (k *kept) do(ctx context.Context, c *call) {
	c.err = errUnfinished // if Keys panics
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if c.err != nil {
			c.key = nil
		}
		k.key, k.call = c.key, nil
		close(c.done)
	}()
	c.key, c.err = k.keys.Key(ctx, c.create)
}

// errUnfinished is what waiting callers get when the call of Keys did not return.
var errUnfinished = errors.New("the key was not had")
