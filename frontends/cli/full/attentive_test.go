package full

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// asked is a session that counts the looks at its store.
type asked struct {
	core.App
	looks int
	err   error
	hangs bool
}

func (a *asked) Status(ctx context.Context) (core.Status, error) {
	a.looks++
	if a.hangs {
		<-ctx.Done()
		return core.Status{}, ctx.Err()
	}
	return core.Status{}, a.err
}

func (a *asked) IDToken(context.Context) (core.IDToken, error) { return core.IDToken{Value: "t"}, nil }

// The store is looked at once in a moment, however many requests there are, and no more
// once it fails or hangs. Requests do not fail because of it.
func TestTheStoreIsLookedAtOnceInAMoment(t *testing.T) {
	for name, c := range map[string]struct {
		asked
		want int // looks in ten moments
	}{
		"works": {asked{}, 10},
		"fails": {asked{err: errors.New("no store")}, 1},
		"hangs": {asked{hangs: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &attentive{App: &c.asked}
				for range 10 {
					for range 100 {
						if token, err := a.IDToken(t.Context()); err != nil || token.Value != "t" {
							t.Fatal(token, err)
						}
					}
					time.Sleep(aMoment + 1)
				}
				if c.looks != c.want {
					t.Errorf("%d looks, want %d", c.looks, c.want)
				}
			})
		})
	}
}
