// Package fault is what can go wrong in tokentoss: one error type, [Error], and
// one table of kinds, from which exit codes, HTTP and gRPC answers, the messages
// to other processes, and the exceptions of the Python package are made.
//
// An error says what happened, and to what. What to do next is data, a [Remedy]:
// each frontend says it in its own words, as a command in a shell, a call in
// Python, or a sentence beside a button.
//
// A [Kind] is an error itself, to be tested for with [errors.Is]:
//
//	if errors.Is(err, fault.SignInNeeded) { ... }
//
// Package core has names of its own for the kinds that its interfaces promise,
// such as core.ErrNotFound. The package imports the standard library only.
package fault

import (
	"context"
	"errors"
	"strings"
)

// An Error is what went wrong: what was done, to what, the problem, its kind, what
// to do next, and the cause. All but the kind are optional. It must hold no secret.
type Error struct {
	Op      string // what was done, such as "lock"; often clear from the rest
	Subject string // to what: a path, "setting ca_file", "plugin pass", a host
	Problem string // what is wrong, such as "mode 0644: others can read it"
	Kind    Kind
	Remedy  Remedy // what to do next; if it is zero, the kind's own is used
	Err     error  // the cause: what the system, a library or a context said
}

// Error says what happened, and not what to do next: see [RemedyOf].
func (e *Error) Error() string {
	var parts []string
	if where := strings.TrimSpace(e.Op + " " + e.Subject); where != "" {
		parts = append(parts, where)
	}
	if e.Kind != "" {
		parts = append(parts, e.Kind.Error())
	}
	if e.Problem != "" {
		parts = append(parts, e.Problem)
	}
	if e.Err != nil {
		cause := e.Err.Error()
		if e.Kind != "" { // which is not said twice
			cause = strings.TrimPrefix(cause, e.Kind.Error()+": ")
		}
		parts = append(parts, cause)
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	var list []error
	if e.Kind != "" {
		list = append(list, e.Kind)
	}
	if e.Err != nil {
		list = append(list, e.Err)
	}
	return list
}

// Hint says what to do next in plain words, or nothing.
func (e *Error) Hint() string { return Hint(e) }

// Hint says what to do next about err in plain words: [RemedyOf] for programs that
// have no words of their own.
func Hint(err error) string { return RemedyOf(err).String() }

// Kinds returns all that err is, in the order of the table: what matters most to
// a person is first. It is empty for nil, and for an error of no kind.
func Kinds(err error) []Kind {
	var list []Kind
	if err == nil {
		return nil
	}
	for _, r := range table {
		if errors.Is(err, r.Kind) || r.std != nil && errors.Is(err, r.std) {
			list = append(list, r.Kind)
		}
	}
	return list
}

// Of returns the kind of err that matters most: [Failed] for an error of no kind,
// and the empty one for nil.
func Of(err error) Kind {
	if err == nil {
		return ""
	}
	if list := Kinds(err); len(list) > 0 {
		return list[0]
	}
	return Failed
}

// Temporary tells whether err mends itself with time, so that the same may succeed
// later without anybody doing anything.
func Temporary(err error) bool { return err != nil && Of(err).Row().Temporary }

// RemedyOf returns what to do next about err: what an error in its tree says,
// the outermost first, or else what is usual for its kind. It may be zero.
//
// An error says it with the field of [Error], or with a method
// Remedy() fault.Remedy, or, where the error is of somebody who does not know this
// package, with a method Hint() string.
func RemedyOf(err error) Remedy {
	if r := stated(err); !r.IsZero() {
		return r
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return Remedy{}
	}
	return Of(err).Row().Remedy
}

// stated returns the outermost remedy that an error in err's tree states.
func stated(err error) Remedy {
	switch e := err.(type) {
	case nil:
		return Remedy{}
	case *Error:
		if !e.Remedy.IsZero() {
			return e.Remedy
		}
	case interface{ Remedy() Remedy }:
		if r := e.Remedy(); !r.IsZero() {
			return r
		}
	case interface{ Hint() string }:
		if hint := e.Hint(); hint != "" {
			return Remedy{Text: hint}
		}
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return stated(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if r := stated(inner); !r.IsZero() {
				return r
			}
		}
	}
	return Remedy{}
}
