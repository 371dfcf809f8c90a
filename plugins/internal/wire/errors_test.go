package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/status"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

// identities are all errors that survive: those of the table, and the standard
// library's.
func identities(t *testing.T) []error {
	t.Helper()
	all := []error{context.Canceled, context.DeadlineExceeded, errors.ErrUnsupported, io.EOF}
	for _, row := range fault.Table() {
		if row.Kind != fault.Of(errors.Unwrap(fmt.Errorf("%w", row.Kind))) {
			t.Errorf("%s is not itself", row.Kind)
		}
		if !slices.ContainsFunc(all[:4], func(std error) bool { return errors.Is(row.Kind, std) }) {
			all = append(all, row.Kind)
		}
	}
	return all
}

// A hinted is an error with a hint.
type hinted struct{ err error }

func (h hinted) Error() string { return "the store at /x: " + h.err.Error() }
func (h hinted) Hint() string  { return "run this" }
func (h hinted) Unwrap() error { return h.err }

// ways are those on which an error goes to another process.
func ways() map[string]func(error) error {
	return map[string]func(error) error{
		"message": func(err error) error { return wire.ToError(wire.FromError(err)) },
		"status": func(err error) error {
			own, ok := wire.FromStatus(wire.ToStatus(err))
			if !ok {
				return errors.New("the status has no error in it")
			}
			return own
		},
		"both": func(err error) error {
			own, _ := wire.FromStatus(wire.ToStatus(wire.ToError(wire.FromError(err))))
			return own
		},
	}
}

// TestErrorsSurvive sends each error, wrapped, and each pair of them.
func TestErrorsSurvive(t *testing.T) {
	t.Parallel()
	all := identities(t)
	for name, way := range ways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, err := range all {
				wantSame(t, way, err, all, err)
				wantSame(t, way, hinted{fmt.Errorf("deep: %w", err)}, all, err)
				for _, other := range all {
					wantSame(t, way, hinted{fmt.Errorf("%w: %w", err, other)}, all, err, other)
					wantSame(t, way, errors.Join(err, other), all, err, other)
				}
			}
			wantSame(t, way, errors.New("of no kind"), all)
			wantSame(t, way, hinted{errors.New("of no kind")}, all)
		})
	}
}

// wantSame checks that err comes back with its text and its hint, and that it is
// each of is and nothing else of all.
func wantSame(t *testing.T, way func(error) error, err error, all []error, is ...error) {
	t.Helper()
	got := way(err)
	if got == nil {
		t.Errorf("%v came back as nil", err)
		return
	}
	if got.Error() != err.Error() {
		t.Errorf("%q came back as %q", err, got)
	}
	if hint(got) != hint(err) {
		t.Errorf("%v: the hint %q came back as %q", err, hint(err), hint(got))
	}
	for _, e := range all {
		if errors.Is(got, e) != slices.Contains(is, e) {
			t.Errorf("%v: errors.Is of %v is %v, want %v", err, e, errors.Is(got, e), slices.Contains(is, e))
		}
	}
}

func hint(err error) string { return fault.Hint(err) }

// A method of a plugin has the status that the table has for the kind, for whoever
// knows gRPC only.
func TestStatusIsThatOfTheTable(t *testing.T) {
	t.Parallel()
	for _, row := range fault.Table() {
		if got := status.Code(wire.ToStatus(&fault.Error{Kind: row.Kind, Problem: "because"})); uint32(got) != row.GRPC {
			t.Errorf("%s is %s, want %d", row.Kind, got, row.GRPC)
		}
	}
}

// What to do is data on both sides, whatever it is.
func TestEveryActionSurvives(t *testing.T) {
	t.Parallel()
	for name, way := range ways() {
		for _, action := range fault.Actions() {
			for _, remedy := range []fault.Remedy{action.On(""), action.On("SUBJECT"), {Action: action, Subject: "SUBJECT", Value: "VALUE", After: 90 * time.Second}} {
				if got := fault.RemedyOf(way(&fault.Error{Kind: fault.BadConfig, Remedy: remedy})); got != remedy {
					t.Errorf("%s: %+v came back as %+v", name, remedy, got)
				}
			}
		}
	}
}

// TestSignInNeededSurvives: frontends look at the cause and the person.
func TestSignInNeededSurvives(t *testing.T) {
	t.Parallel()
	for name, way := range ways() {
		for _, err := range []error{
			&core.SignInNeededError{Cause: core.CauseRevoked, Email: "ada@example.com", Err: errors.New("invalid_grant")},
			fmt.Errorf("%w: %w", context.Canceled, &core.SignInNeededError{Cause: core.CauseTooOld}),
		} {
			var want, got *core.SignInNeededError
			errors.As(err, &want)
			back := way(err)
			if !errors.As(back, &got) || got.Cause != want.Cause || got.Email != want.Email || !errors.Is(back, core.ErrSignInNeeded) {
				t.Errorf("%s: %v came back as %#v", name, err, got)
			}
			if back.Error() != err.Error() {
				t.Errorf("%s: %q came back as %q", name, err, back)
			}
		}
	}
}

// TestErrorsThatAreNone: no error stays none, and one of gRPC's own is not taken
// for a plugin's.
func TestErrorsThatAreNone(t *testing.T) {
	t.Parallel()
	if wire.FromError(nil) != nil || wire.ToError(nil) != nil || wire.ToStatus(nil) != nil {
		t.Error("no error became one")
	}
	for _, err := range []error{nil, io.EOF, status.Error(14, "unavailable"), errors.New("x"), context.Canceled} {
		if own, ok := wire.FromStatus(err); ok || own != nil {
			t.Errorf("FromStatus(%v) = %v, %v", err, own, ok)
		}
	}
	// What a newer version may say.
	err := wire.ToError(&pb.Error{Text: "new", Reasons: []pb.Reason{9999, pb.Reason_REASON_LOCKED}})
	if !errors.Is(err, core.ErrLocked) || err.Error() != "new" {
		t.Errorf("%v is not known to be a lock", err)
	}
}

// TestErrorsShowNoSecret plants one in an error's text and its hint.
func TestErrorsShowNoSecret(t *testing.T) {
	t.Parallel()
	for name, way := range ways() {
		err := way(leaky{fmt.Errorf("%w: posting %s failed", core.ErrUnavailable, refresh)})
		if shown := err.Error() + hint(err); strings.Contains(shown, "eedle") || !errors.Is(err, core.ErrUnavailable) {
			t.Errorf("%s: %s", name, shown)
		}
	}
	if st := wire.ToStatus(errors.New("with " + jwt)); strings.Contains(st.Error(), jwt) {
		t.Errorf("the status shows it: %v", st)
	}
}

type leaky struct{ error }

func (l leaky) Hint() string  { return "try " + jwt + " and " + refresh }
func (l leaky) Unwrap() error { return l.error }

// TestErrorsOfAnyText: text that is not UTF-8, as a file's name may be, and text
// without end take nothing from the identity.
func TestErrorsOfAnyText(t *testing.T) {
	t.Parallel()
	for name, way := range ways() {
		for _, text := range []string{"\xff\xfe/tokens.json", strings.Repeat("a very long text ", 1<<16), strings.Repeat("\u20ac", 1<<16), "line\nline\x00\x1b[31m"} {
			err := way(hinted{&fs.PathError{Op: text, Path: text, Err: core.ErrReadOnly}})
			if !errors.Is(err, core.ErrReadOnly) || hint(err) != "run this" {
				t.Errorf("%s: %.40q: came back as %.80q with the hint %q", name, text, err, hint(err))
			}
			if len(err.Error()) > 20<<10 {
				t.Errorf("%s: a text of %d bytes goes in a header", name, len(err.Error()))
			}
		}
		cut := strings.Repeat("x", 16<<10-12) + "\n" + refresh
		if shown := way(errors.New(cut)).Error(); strings.Contains(shown, "1//0") {
			t.Errorf("%s: a part of a secret is at the end: %q", name, shown[len(shown)-80:])
		}
		var sn *core.SignInNeededError
		if err := way(&core.SignInNeededError{Cause: "\xff", Email: "\xff@example.com"}); !errors.As(err, &sn) {
			t.Errorf("%s: %v lost what it is", name, err)
		}
	}
}
