package encrypted

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"filippo.io/age"

	"github.com/tokentoss/tokentoss/core"
)

// slowKeys answer when they are told to, and count how often they were asked.
type slowKeys struct {
	answer     chan error
	asked      int
	underWay   int
	identity   *age.X25519Identity
	concurrent bool
}

func (k *slowKeys) wait(ctx context.Context) error {
	k.asked++
	k.underWay++
	k.concurrent = k.concurrent || k.underWay > 1
	defer func() { k.underWay-- }()
	select {
	case err := <-k.answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (k *slowKeys) Key(ctx context.Context, create bool) (*Key, error) {
	if err := k.wait(ctx); err != nil {
		return nil, err
	}
	return NewKey(k.identity)
}

func (k *slowKeys) Protection() string { return "slow" }

func newSlowKeys(t *testing.T) *slowKeys {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return &slowKeys{answer: make(chan error), identity: id}
}

// Those who come while the keys are asked get the same answer, yes or no, and
// the keys are asked for one thing at a time.
func TestAnswerIsShared(t *testing.T) {
	no := errors.New("no")
	synctest.Test(t, func(t *testing.T) {
		keys := newSlowKeys(t)
		k := &kept{keys: keys}
		got := make(chan error, 9)
		ask := func() {
			for range 8 {
				go func() { _, err := k.have(t.Context(), false); got <- err }()
			}
			synctest.Wait()
		}
		ask()
		go func() { _, err := k.have(t.Context(), true); got <- err }()
		synctest.Wait()
		keys.answer <- no
		for range 8 {
			if err := <-got; err != no {
				t.Errorf("error is %v, want that of the one question", err)
			}
		}
		keys.answer <- nil // of the one who saves, for whom another answer is possible
		if err := <-got; err != nil {
			t.Error(err)
		}
		ask() // and none is asked any more
		for range 8 {
			if err := <-got; err != nil {
				t.Error(err)
			}
		}
		if keys.asked != 2 || keys.concurrent {
			t.Errorf("the keys were asked %d times (at the same time: %t), want 2, one after the other", keys.asked, keys.concurrent)
		}
	})
}

// Who gives up takes nobody along: another one asks. Who waits can give up too.
func TestGivingUpAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := newSlowKeys(t)
		k := &kept{keys: keys}
		first, cancelFirst := context.WithCancel(t.Context())
		second, cancelSecond := context.WithCancel(t.Context())
		got := [3]chan error{make(chan error, 1), make(chan error, 1), make(chan error, 1)}
		for i, ctx := range []context.Context{first, second, t.Context()} {
			go func() { _, err := k.have(ctx, false); got[i] <- err }()
			synctest.Wait()
		}
		cancelSecond()
		if err := <-got[1]; !errors.Is(err, context.Canceled) || !errors.Is(err, core.ErrSealed) {
			t.Errorf("error of who gave up waiting is %v, want core.ErrSealed and context.Canceled", err)
		}
		cancelFirst()
		if err := <-got[0]; !errors.Is(err, context.Canceled) {
			t.Errorf("error of who gave up is %v, want context.Canceled", err)
		}
		keys.answer <- nil
		if err := <-got[2]; err != nil || keys.asked != 2 {
			t.Errorf("error of who stayed is %v after %d questions, want none after 2", err, keys.asked)
		}
	})
}
