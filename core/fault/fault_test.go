package fault_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
)

// constants returns the values of the constants of a type that a file declares.
func constants(t *testing.T, file, typ string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if id, ok := spec.Type.(*ast.Ident); ok && id.Name == typ {
				value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, value)
			}
		}
		return true
	})
	return list
}

func TestEveryKindHasOneRow(t *testing.T) {
	t.Parallel()
	kinds := constants(t, "kind.go", "Kind")
	if len(kinds) < 40 {
		t.Fatalf("only %d kinds were found", len(kinds))
	}
	var rows []string
	for _, r := range fault.Table() {
		rows = append(rows, string(r.Kind))
		if got := fault.OfReason(r.Reason); got != r.Kind {
			t.Errorf("reason %d of %s is that of %s, too", r.Reason, r.Kind, got)
		}
		if r.Text == "" || r.Exit == fault.ExitDone || r.HTTP < 400 || r.GRPC == 0 || r.GRPC > 16 || r.Reason == 0 || r.Python == "" {
			t.Errorf("the row of %s lacks something: %+v", r.Kind, r)
		}
		if r.Kind.Row() != r || !r.Kind.Known() {
			t.Errorf("the row of %s is not found", r.Kind)
		}
	}
	slices.Sort(kinds)
	slices.Sort(rows)
	if !slices.Equal(kinds, rows) {
		t.Errorf("kinds %q\nhave rows %q", kinds, rows)
	}
}

// Tools that retry do so for minutes, and in silence: what a person has to mend
// must not look like something that passes.
func TestWhatTimeDoesNotMendIsNotCalledTemporary(t *testing.T) {
	t.Parallel()
	for _, r := range fault.Table() {
		if r.Remedy.Action == fault.Retry && !r.Temporary {
			t.Errorf("%s is permanent and advises to try again", r.Kind)
		}
		if r.Temporary && (r.Remedy.Action == fault.SignIn || r.Remedy.Action == fault.Configure) {
			t.Errorf("%s is temporary and advises to %s", r.Kind, r.Remedy)
		}
		if unavailable := r.HTTP == 502 || r.HTTP == 503 || r.HTTP == 504; unavailable && !r.Temporary {
			switch r.Kind {
			case fault.NotRevoked, fault.Closed, fault.End: // of a provider, or a program, that is gone
			default:
				t.Errorf("%s is permanent and has the HTTP status %d", r.Kind, r.HTTP)
			}
		}
	}
}

func TestEveryActionHasASentence(t *testing.T) {
	t.Parallel()
	var actions []string
	for _, a := range fault.Actions() {
		actions = append(actions, string(a))
		for _, r := range []fault.Remedy{a.On(""), a.On("SUBJECT"), a.To("SUBJECT", "VALUE")} {
			text := r.String()
			if text == "" || strings.Contains(text, "%!") || strings.Contains(text, "tokentoss ") || strings.Contains(text, "--") {
				t.Errorf("%+v is said as %q", r, text)
			}
		}
	}
	slices.Sort(actions)
	want := constants(t, "remedy.go", "Action")
	slices.Sort(want)
	if !slices.Equal(actions, want) {
		t.Errorf("actions %q\nhave sentences %q", want, actions)
	}
}

func TestKindIsFoundInATree(t *testing.T) {
	t.Parallel()
	wrapped := fmt.Errorf("while saving: %w", &fault.Error{Subject: "/x", Kind: fault.NotSaved, Err: &fault.Error{Kind: fault.ReadOnly, Err: io.EOF}})
	for _, kind := range []error{fault.NotSaved, fault.ReadOnly, io.EOF} {
		if !errors.Is(wrapped, kind) {
			t.Errorf("%v is not %v", wrapped, kind)
		}
	}
	if got, want := fault.Kinds(wrapped), []fault.Kind{fault.NotSaved, fault.ReadOnly, fault.End}; !slices.Equal(got, want) {
		t.Errorf("kinds %q, want %q", got, want)
	}
	if got := fault.Of(wrapped); got != fault.NotSaved {
		t.Errorf("what matters most is %q", got)
	}
	if got := fault.Of(errors.New("x")); got != fault.Failed {
		t.Errorf("an error of no kind is %q", got)
	}
	if fault.Of(nil) != "" || fault.Kinds(nil) != nil || fault.Temporary(nil) || !fault.RemedyOf(nil).IsZero() {
		t.Error("no error is something")
	}
}

// What the standard library has an error for is that error, on both sides of a wire.
func TestKindIsTheStandardLibrarysError(t *testing.T) {
	t.Parallel()
	for kind, std := range map[fault.Kind]error{
		fault.Canceled: context.Canceled, fault.Deadline: context.DeadlineExceeded,
		fault.Unsupported: errors.ErrUnsupported, fault.End: io.EOF,
	} {
		if !errors.Is(kind, std) || fault.Of(std) != kind {
			t.Errorf("%q is not %v", kind, std)
		}
		if errors.Is(fault.Locked, std) {
			t.Errorf("locked is %v", std)
		}
	}
}

func TestErrorSaysWhatHappenedOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  *fault.Error
		want string
	}{
		{&fault.Error{Kind: fault.NotFound}, "not found"},
		{&fault.Error{Op: "lock", Subject: "/x", Kind: fault.Locked, Problem: "by process 7", Err: context.DeadlineExceeded}, "lock /x: locked: by process 7: context deadline exceeded"},
		{&fault.Error{Subject: "/x", Kind: fault.ReadOnly, Err: &fault.Error{Kind: fault.ReadOnly, Problem: "no space"}}, "/x: cannot be written: no space"},
		{&fault.Error{Subject: "/x", Problem: "empty", Remedy: fault.Say("fill it")}, "/x: empty"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

type hinted struct{ error }

func (hinted) Hint() string { return "what the author says" }

type remedied struct{ error }

func (remedied) Remedy() fault.Remedy { return fault.SetClock.On("") }

func (r remedied) Unwrap() error { return r.error }

func TestAnAuthorsRemedyWinsOverTheKinds(t *testing.T) {
	t.Parallel()
	silent := &fault.Error{Kind: fault.Locked}
	for _, test := range []struct {
		err  error
		want fault.Remedy
	}{
		{silent, fault.Retry.On("")},
		{&fault.Error{Kind: fault.Locked, Err: hinted{silent}}, fault.Say("what the author says")},
		{fmt.Errorf("x: %w", errors.Join(silent, remedied{hinted{silent}})), fault.SetClock.On("")},
		{&fault.Error{Kind: fault.Locked, Remedy: fault.Unlock.On("x"), Err: hinted{silent}}, fault.Unlock.On("x")},
		{fmt.Errorf("x: %w", context.Canceled), fault.Remedy{}},
	} {
		if got := fault.RemedyOf(test.err); got != test.want {
			t.Errorf("%v: %+v, want %+v", test.err, got, test.want)
		}
	}
	if got := (fault.Remedy{Action: fault.Retry, After: 90 * time.Second}).String(); got != "try again in 1m30s" {
		t.Error(got)
	}
}
