package agent_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins/agent"
)

// A failing store fails with the kind of fault that the key names.
type failing struct{ core.TokenStore }

// remedy has all that a remedy can say.
var remedy = fault.Remedy{Action: fault.SetVariable, Subject: "VARIABLE", Value: "something", After: 1, From: "plug"}

func (failing) Load(_ context.Context, key string) (core.Record, error) {
	return core.Record{}, &fault.Error{Subject: "/x", Kind: fault.Kind(key), Problem: "because", Remedy: remedy}
}

func (failing) Save(_ context.Context, key string, _ core.Record) (core.Record, error) {
	return core.Record{}, fault.Kind(key)
}

// Each kind of fault of a store comes over as what it is, with its words and its
// remedy; and what is usual for the kind is advised where the store says nothing.
func TestEveryKindOfErrorComesOver(t *testing.T) {
	w := newWorld(t, func(s *agent.Server) {
		s.Open = func(context.Context, agent.Opening) (core.TokenStore, error) { return failing{}, nil }
	})
	s := w.open("failing")
	for _, row := range fault.Table() {
		_, err := s.Load(t.Context(), string(row.Kind))
		if err == nil || fault.Of(err) != row.Kind || strings.Count(err.Error(), row.Text) != 1 || !strings.Contains(err.Error(), "because") {
			t.Errorf("%s came back as %s, %v", row.Kind, fault.Of(err), err)
		}
		if got := fault.RemedyOf(err); got != remedy && row.Kind != fault.Canceled {
			t.Errorf("%s: its remedy came back as %+v", row.Kind, got)
		}
		_, err = s.Save(t.Context(), string(row.Kind), core.Record{Data: []byte("{}")})
		if fault.Of(err) != row.Kind || row.Kind != fault.Canceled && fault.RemedyOf(err) != row.Remedy {
			t.Errorf("%s alone came back as %s, %+v", row.Kind, fault.Of(err), fault.RemedyOf(err))
		}
	}
}

// A call that fails has an ID, which the caller's log has and the agent's as well. The
// agent's has nothing of the call but what kind of call it was, and of which kind its fault is.
func TestFailedCallsAreFoundInTheLog(t *testing.T) {
	var agents, callers output
	w := newWorld(t, func(s *agent.Server) {
		s.Log = slog.New(slog.NewJSONHandler(&agents, nil))
		s.Open = func(context.Context, agent.Opening) (core.TokenStore, error) { return failing{}, nil }
	})
	c := w.client()
	c.Log = slog.New(slog.NewJSONHandler(&callers, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := c.Open(t.Context(), "planted-store", "")
	if err != nil {
		t.Fatal(err)
	}
	defer core.Full(s).Close()
	const key = "offline"
	if _, err := s.Save(t.Context(), key, core.Record{Data: []byte("planted-data")}); err == nil {
		t.Fatal("it is saved")
	}
	found := false
	for line := range strings.Lines(agents.String()) {
		var of struct{ Msg, ID, Op, Error string }
		if err := json.Unmarshal([]byte(line), &of); err != nil {
			t.Fatal(err)
		}
		found = found || of.Msg == "call" && of.Op == "save" && of.Error == key && of.ID != "" && strings.Contains(callers.String(), of.ID)
	}
	if !found {
		t.Errorf("the agent's log: %s\nthe caller's: %s", &agents, &callers)
	}
	if strings.Contains(agents.String(), "planted") || strings.Contains(agents.String(), "because") {
		t.Errorf("the agent's log tells too much: %s", &agents)
	}
}

// An output is written by several goroutines.
type output struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
