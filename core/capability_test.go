package core_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

// everything is a store with all capabilities.
type everything struct{ core.TokenStore }

func (everything) Check(context.Context, string) error                { return nil }
func (everything) Quarantine(context.Context, string) (string, error) { return "aside", nil }
func (everything) Path(string) string                                 { return "path" }
func (everything) Describe() string                                   { return "protected" }
func (everything) Close() error                                       { return io.EOF }
func (everything) Lock(context.Context, string) (core.Lease, error)   { return nil, core.ErrLocked }
func (everything) List(context.Context) ([]string, error)             { return []string{"key"}, nil }

// bare is a store without any capability.
type bare struct{ core.TokenStore }

// wrapper is a store that stands for one which can be locked and not listed.
type wrapper struct{ everything }

func (wrapper) Capabilities() core.Capabilities { return core.Capabilities{Locking: true} }

// What a store is capable of shows in its methods, unless it stands for another one.
func TestCapabilitiesOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		store core.TokenStore
		want  core.Capabilities
	}{
		{bare{}, core.Capabilities{}},
		{everything{}, core.Capabilities{Locking: true, Listing: true}},
		{wrapper{}, core.Capabilities{Locking: true}},
		{core.Full(bare{}), core.Capabilities{}},
		{core.Full(wrapper{}), core.Capabilities{Locking: true}},
		{core.Full(core.Full(everything{})), core.Capabilities{Locking: true, Listing: true}},
	} {
		if got := core.CapabilitiesOf(tt.store); got != tt.want {
			t.Errorf("%T: %+v, want %+v", tt.store, got, tt.want)
		}
	}
}

// A method of a capability that a store does not have says so.
func TestFullAnswersForWhatAStoreCannot(t *testing.T) {
	t.Parallel()
	b := core.Full(bare{})
	if err := b.Check(t.Context(), "key"); err != nil {
		t.Errorf("Check: %v, want nothing, which means that it cannot tell", err)
	}
	_, quarantineErr := b.Quarantine(t.Context(), "key")
	_, lockErr := b.Lock(t.Context(), "key")
	_, listErr := b.List(t.Context())
	for _, err := range []error{quarantineErr, lockErr, listErr} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%v, want errors.ErrUnsupported", err)
		}
	}
	if b.Path("key") != "" || b.Describe() != "" || b.Close() != nil {
		t.Error("Path, Describe or Close is not that of a store that has none")
	}
	whole := core.Full(everything{})
	where, _ := whole.Quarantine(t.Context(), "")
	keys, _ := whole.List(t.Context())
	_, lockErr = whole.Lock(t.Context(), "")
	if where != "aside" || whole.Path("") != "path" || whole.Close() != io.EOF || whole.Describe() != "protected" ||
		len(keys) != 1 || !errors.Is(lockErr, core.ErrLocked) {
		t.Error("a store's own methods are not used")
	}
}
