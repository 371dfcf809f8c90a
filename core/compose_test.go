package core_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

// everything is a store with all powers, which Compose must not show unasked.
type everything struct{ core.TokenStore }

func (everything) Check(context.Context, string) error              { return nil }
func (everything) SetAside(context.Context, string) (string, error) { return "aside", nil }
func (everything) Path(string) string                               { return "path" }
func (everything) Protection() string                               { return "protected" }
func (everything) Close() error                                     { return io.EOF }
func (everything) Lock(context.Context, string) (core.Lease, error) { return nil, core.ErrLocked }
func (everything) List(context.Context) ([]string, error)           { return []string{"key"}, nil }

func TestComposeHasJustTheGivenPowers(t *testing.T) {
	t.Parallel()
	base := everything{}
	for _, c := range []struct {
		lock core.Locker
		list core.Lister
	}{{nil, nil}, {base, nil}, {nil, base}, {base, base}} {
		s := core.Compose(base, c.lock, c.list)
		if _, ok := s.(core.Locker); ok != (c.lock != nil) {
			t.Errorf("%T: is a Locker: %t", s, ok)
		}
		if _, ok := s.(core.Lister); ok != (c.list != nil) {
			t.Errorf("%T: is a Lister: %t", s, ok)
		}
		if s.(core.Locator).Path("") != "path" || s.(io.Closer).Close() != io.EOF || s.(core.Checker).Check(t.Context(), "") != nil {
			t.Errorf("%T: the base's own methods are not those of the base", s)
		}
		if s.(core.Protector).Protection() != "protected" {
			t.Errorf("%T: Protection is not the base's", s)
		}
		if where, _ := s.(core.SetAsider).SetAside(t.Context(), ""); where != "aside" {
			t.Errorf("%T: SetAside is not the base's", s)
		}
	}
}

// bare is a store without any power.
type bare struct{ core.TokenStore }

func TestBaseAnswersForWhatAStoreCannot(t *testing.T) {
	t.Parallel()
	b := core.Base(bare{})
	if err := b.Check(t.Context(), "key"); err != nil {
		t.Errorf("Check: %v, want nothing, which means that it cannot tell", err)
	}
	if _, err := b.SetAside(t.Context(), "key"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("SetAside: %v, want errors.ErrUnsupported", err)
	}
	if b.Path("key") != "" || b.Protection() != "" || b.Close() != nil {
		t.Error("Path, Protection or Close is not that of a store that has none")
	}
	whole := core.Base(everything{})
	if where, _ := whole.SetAside(t.Context(), ""); where != "aside" || whole.Path("") != "path" || whole.Close() != io.EOF {
		t.Error("a store's own methods are not used")
	}
}
