package host_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

// nobodyAnswers asks a person who is away.
func nobodyAnswers(ctx context.Context, _ string) (core.Secret, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

// TestAskNobody: nobody can be asked, which is an error of the store and not a
// reason to wait.
func TestAskNobody(t *testing.T) {
	t.Parallel()
	s := newScene(t, evil("evil"))
	_, err := s.host.OpenStore(bounded(t), s.use("open", "ask"))
	if !errors.Is(err, core.ErrSealed) {
		t.Errorf("error %v, want core.ErrSealed", err)
	}
	s.wantGone(t)
	_, err = s.open(t, s.use("load", "ask")).Load(bounded(t), "a")
	if !errors.Is(err, core.ErrSealed) {
		t.Errorf("error %v, want core.ErrSealed", err)
	}
}

// TestAskOneAtATime: a hundred questions at once are asked one after the other,
// and those that are too many are told so.
func TestAskOneAtATime(t *testing.T) {
	t.Parallel()
	s := newScene(t, evil("evil"))
	var now, asked atomic.Int32
	use := s.use("load", "ask-at-once")
	use.Ask = func(context.Context, string) (core.Secret, error) {
		if now.Add(1) > 1 {
			t.Error("the person is asked two things at once")
		}
		defer now.Add(-1)
		asked.Add(1)
		return "answer", nil
	}
	if _, err := s.open(t, use).Load(bounded(t), "a"); err != nil && !errors.Is(err, core.ErrSealed) && !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Load: %v", err)
	}
	if asked.Load() == 0 {
		t.Error("nothing was asked")
	}
}

// TestAskWhileOpening: the time in which a person thinks is not the store's, and
// the rest is, however often it asks.
func TestAskWhileOpening(t *testing.T) {
	t.Parallel()
	t.Run("thinking", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, evil("evil"))
		use := s.use("open", "ask")
		use.Timeout = short
		thought := make(chan struct{})
		use.Ask = func(ctx context.Context, _ string) (core.Secret, error) {
			// A second store is opened and fails by the same timeout meanwhile.
			other := newScene(t, evil("evil"))
			hung := other.use("open", "hang")
			hung.Timeout = 2 * short
			_, err := other.host.OpenStore(ctx, hung)
			wantError(t, err, core.ErrUnavailable, "no answer within")
			close(thought)
			return "answer", nil
		}
		if store := s.open(t, use); store == nil {
			t.Error("it was not opened")
		}
		<-thought
	})
	for fault, ask := range map[string]func(context.Context, string) (core.Secret, error){
		"ask-forever":  func(context.Context, string) (core.Secret, error) { return "", core.ErrSealed },
		"ask-and-hang": func(context.Context, string) (core.Secret, error) { return "answer", nil },
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, evil("evil"))
			use := s.use("open", fault)
			use.Timeout, use.Ask = short, ask
			_, err := s.host.OpenStore(bounded(t), use)
			wantError(t, err, core.ErrUnavailable, "open: no answer within "+short.String())
			s.wantGone(t)
		})
	}
	t.Run("nobody, for ever", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, evil("evil"))
		use := s.use("open", "ask-forever")
		use.Timeout = short
		_, err := s.host.OpenStore(bounded(t), use)
		wantError(t, err, core.ErrUnavailable, "open: no answer within "+short.String())
	})
	t.Run("plugin dies", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, evil("evil"))
		use := s.use("open", "ask-and-die")
		ended := make(chan struct{})
		use.Ask = func(ctx context.Context, q string) (core.Secret, error) {
			defer close(ended)
			return nobodyAnswers(ctx, q)
		}
		_, err := s.host.OpenStore(bounded(t), use)
		wantError(t, err, core.ErrUnavailable, "with exit status 4")
		<-ended
	})
}

// TestAskWhileClosing: a store that is closed while the person thinks closes, and
// nobody is asked any more.
func TestAskWhileClosing(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"open", "load"} {
		s := newScene(t, evil("evil"))
		use := s.use(method, "ask-unheard")
		asked, ended := make(chan struct{}), make(chan struct{})
		use.Ask = func(ctx context.Context, q string) (core.Secret, error) {
			close(asked)
			defer close(ended)
			return nobodyAnswers(ctx, q)
		}
		store := s.open(t, use)
		if method == "load" {
			if _, err := store.Load(bounded(t), "a"); !errors.Is(err, core.ErrNotFound) {
				t.Errorf("Load: %v", err)
			}
		}
		<-asked
		if err := closeStore(store); err != nil {
			t.Errorf("Close: %v", err)
		}
		<-ended
	}
}

// TestAskOfOneThatDied: nobody is asked any more for a store whose process ended.
func TestAskOfOneThatDied(t *testing.T) {
	t.Parallel()
	s := newScene(t, evil("evil"))
	use := s.use("load", "ask-and-die")
	ended := make(chan struct{})
	use.Ask = func(ctx context.Context, q string) (core.Secret, error) {
		defer close(ended)
		return nobodyAnswers(ctx, q)
	}
	store := s.open(t, use)
	_, err := store.Load(bounded(t), "a")
	wantError(t, err, core.ErrUnavailable, "load: it ended, with exit status 4")
	select {
	case <-ended:
	case <-bounded(t).Done():
		t.Error("the person is still asked")
	}
}

// TestAskNotText: what is typed may be anything, and a message carries UTF-8.
func TestAskNotText(t *testing.T) {
	t.Parallel()
	s := newScene(t, evil("evil"))
	use := s.use("load", "ask")
	use.Ask = func(context.Context, string) (core.Secret, error) { return "\xffneedle", nil }
	store := s.open(t, use)
	if _, err := store.Load(bounded(t), "a"); !errors.Is(err, core.ErrRefused) {
		t.Errorf("Load: %v, want core.ErrRefused", err)
	}
	if _, err := store.(core.Lister).List(bounded(t)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
