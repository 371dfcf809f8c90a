package keyring

import (
	"errors"
	"io"
	"strings"
	"testing"

	system "github.com/99designs/keyring"
	"github.com/godbus/dbus"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// What keyrings answer, and cannot be had from the one of the other tests.
func TestKindsOfErrors(t *testing.T) {
	t.Parallel()
	r := newRing("login")
	answer := func(name, text string) error { return dbus.Error{Name: name, Body: []any{text}} }
	for _, c := range []struct {
		err  error
		kind error
	}{
		{answer("org.freedesktop.Secret.Error.IsLocked", "no"), core.ErrSealed},
		{answer("org.freedesktop.DBus.Error.AccessDenied", "denied by policy"), core.ErrRefused},
		{answer("org.freedesktop.DBus.Error.ServiceUnknown", "was not provided by any .service files"), core.ErrUnavailable},
		{answer("org.freedesktop.DBus.Error.NoReply", "disconnected from message bus without replying"), core.ErrUnavailable},
		{dbus.ErrClosed, core.ErrUnavailable},
		{io.EOF, core.ErrUnavailable},
	} {
		err := r.explain(c.err)
		if !errors.Is(err, c.kind) || fault.RemedyOf(err).Text == "" || !strings.Contains(err.Error(), c.err.Error()) {
			t.Errorf("%v becomes %v, want %q with the text and a hint", c.err, err, c.kind)
		}
	}
	if err := r.explain(system.ErrKeyNotFound); err != errNoKey {
		t.Errorf("an item that is not there becomes %v", err)
	}
}

// A prompt that is dismissed makes the library panic, in a goroutine, which would
// take the program along.
func TestPanicOfTheLibrary(t *testing.T) {
	t.Parallel()
	r := newRing("login")
	err := r.guard(func() error {
		var answer any = ""
		_ = answer.(dbus.ObjectPath)
		return nil
	})
	if !errors.Is(err, core.ErrRefused) {
		t.Errorf("error is %v, want core.ErrRefused", err)
	}
}
