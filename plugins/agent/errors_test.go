package agent_test

import (
	"context"
	"strings"
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
