package agent_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/agent"
)

// A sealed store asks for its passphrase when it is first read, once.
type sealed struct {
	core.TokenStore
	ask func(context.Context, string) (core.Secret, error)

	mu   sync.Mutex
	open bool
}

func (s *sealed) Load(ctx context.Context, key string) (core.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		secret, err := s.ask(ctx, "passphrase of the identity")
		if err != nil {
			return core.Record{}, fmt.Errorf("%w: %w", core.ErrSealed, err)
		}
		if secret.Reveal() != "xyzzy" {
			return core.Record{}, fmt.Errorf("%w: that is not the passphrase", core.ErrSealed)
		}
		s.open = true
	}
	return core.Record{Data: []byte("secret of " + key), Revision: "1"}, nil
}

func sealedWorld(t *testing.T) *world {
	return newWorld(t, func(s *agent.Server) {
		s.Open = func(_ context.Context, o agent.Opening) (core.TokenStore, error) {
			return &sealed{ask: o.Ask}, nil
		}
	})
}

func TestAskedOnceForAllProcesses(t *testing.T) {
	w := sealedWorld(t)
	var mu sync.Mutex
	var questions []string
	ask := func(_ context.Context, question string) (core.Secret, error) {
		mu.Lock()
		defer mu.Unlock()
		questions = append(questions, question)
		return "xyzzy", nil
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := (&agent.Client{Dir: w.dir, Start: w.start, Ask: ask}).Open(t.Context(), "sealed", "")
			if err != nil {
				t.Error(err)
				return
			}
			defer core.Full(s).Close()
			if r, err := s.Load(t.Context(), "default"); err != nil || string(r.Data) != "secret of default" {
				t.Errorf("Load: %v, error %v", r, err)
			}
		})
	}
	wg.Wait()
	if len(questions) != 1 || questions[0] != "passphrase of the identity" {
		t.Errorf("asked %q, want the one question once", questions)
	}
}

func TestNobodyToAsk(t *testing.T) {
	w := sealedWorld(t)
	s := w.open("sealed") // a client that cannot ask
	if _, err := s.Load(t.Context(), "default"); !errors.Is(err, core.ErrSealed) {
		t.Errorf("Load: %v, want core.ErrSealed", err)
	}
	refusing := &agent.Client{Dir: w.dir, Ask: func(context.Context, string) (core.Secret, error) {
		return "", fmt.Errorf("%w by the person", core.ErrRefused)
	}}
	s, err := refusing.Open(t.Context(), "sealed", "")
	if err != nil {
		t.Fatal(err)
	}
	defer core.Full(s).Close()
	if _, err := s.Load(t.Context(), "default"); !errors.Is(err, core.ErrSealed) || !errors.Is(err, core.ErrRefused) {
		t.Errorf("Load: %v, want core.ErrSealed, and why", err)
	}
}

// A person who goes away in the middle of a question harms nobody else.
func TestPersonLeaves(t *testing.T) {
	w := sealedWorld(t)
	ctx, leave := context.WithCancel(t.Context())
	leaving := &agent.Client{Dir: w.dir, Start: w.start, Ask: func(ctx context.Context, _ string) (core.Secret, error) {
		leave()
		<-ctx.Done()
		return "", ctx.Err()
	}}
	s, err := leaving.Open(t.Context(), "sealed", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(ctx, "default"); !errors.Is(err, context.Canceled) {
		t.Errorf("Load of the one who left: %v, want context.Canceled", err)
	}
	_ = core.Full(s).Close()
	staying := &agent.Client{Dir: w.dir, Ask: func(context.Context, string) (core.Secret, error) { return "xyzzy", nil }}
	if s, err = staying.Open(t.Context(), "sealed", ""); err != nil {
		t.Fatal(err)
	}
	defer core.Full(s).Close()
	if r, err := s.Load(t.Context(), "default"); err != nil || string(r.Data) != "secret of default" {
		t.Errorf("Load of the one who stayed: %v, error %v", r, err)
	}
}
