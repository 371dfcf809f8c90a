package etcd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tokentoss/tokentoss/core"
)

// An Error says what is wrong with a document in etcd, with etcd, or with the
// settings, and what puts it right.
type Error struct {
	What    string // a key in etcd, a file, or a setting
	Problem string // what is wrong, such as "no member answers"
	Fix     string // what to do next; may be empty
	Kind    error  // an error of package core, or nil
	Cause   error  // what etcd, the system or the context says, or nil
}

// Error holds no secret.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("etcd store: " + e.What)
	if e.Kind != nil {
		b.WriteString(": " + e.Kind.Error())
	}
	if e.Problem != "" {
		b.WriteString(": " + e.Problem)
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	if e.Fix != "" {
		b.WriteString("; " + e.Fix)
	}
	return b.String()
}

// Hint is the Fix, for callers that show it on a line of its own.
func (e *Error) Hint() string { return e.Fix }

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Kind != nil {
		errs = append(errs, e.Kind)
	}
	if e.Cause != nil {
		errs = append(errs, e.Cause)
	}
	return errs
}

func wrongSetting(name, problem, fix string) error {
	return &Error{What: "setting " + name, Problem: problem, Fix: fix}
}

// transient tells whether the same call may succeed in a moment: no connection,
// no leader, no answer. Whether etcd did what it was asked is not known then.
func transient(err error) bool {
	switch code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Aborted:
		return !handshake(err)
	case codes.FailedPrecondition:
		return errors.Is(err, rpctypes.ErrNotLeader)
	case codes.ResourceExhausted:
		return errors.Is(err, rpctypes.ErrTooManyRequests)
	case codes.InvalidArgument:
		return errors.Is(err, rpctypes.ErrAuthOldRevision)
	}
	return false
}

// code returns the gRPC code of an error of etcd's client.
func code(err error) codes.Code {
	var known rpctypes.EtcdError
	switch {
	case errors.As(err, &known):
		return known.Code()
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	}
	return status.Code(err)
}

// handshake tells whether no connection could be made because one side refused
// the other's certificate. gRPC has nothing but a text for that.
func handshake(err error) bool {
	text := err.Error()
	return strings.Contains(text, "x509: ") || strings.Contains(text, "tls: ")
}

// failed explains err, of a call about what, which ended with ctx, the caller's.
func (s *store) failed(ctx context.Context, what string, err error) error {
	e := &Error{What: what, Cause: bare(err)}
	switch c := code(err); {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Cause = ctx.Err()
	case handshake(err):
		e.Kind, e.Problem = core.ErrRefused, "no trust between this machine and "+s.hosts
		e.Fix = "check ca_file, cert_file and key_file"
	case errors.Is(err, rpctypes.ErrAuthFailed):
		e.Kind, e.Fix = core.ErrRefused, "check username and password_file"
	case errors.Is(err, rpctypes.ErrUserEmpty):
		e.Kind, e.Problem = core.ErrRefused, "etcd wants to know who asks"
		e.Fix = "set username and password_file, or cert_file and key_file"
	case c == codes.PermissionDenied:
		e.Kind = core.ErrRefused
		e.Fix = fmt.Sprintf("ask the administrator for readwrite permission on the prefix %s, or set another prefix", s.prefix)
		if s.user == "" {
			e.Fix = "set username and password_file, or " + e.Fix
		}
	case c == codes.Unauthenticated, c == codes.FailedPrecondition && !errors.Is(err, rpctypes.ErrNotLeader):
		e.Kind, e.Fix = core.ErrRefused, "check username and password_file"
	case errors.Is(err, rpctypes.ErrNoSpace):
		e.Kind, e.Fix = core.ErrReadOnly, "ask the administrator to compact and defragment etcd, and to disarm its alarm"
	case errors.Is(err, rpctypes.ErrRequestTooLarge):
		e.Kind = core.ErrTooLarge
	case ctx.Err() != nil:
		e.Kind, e.Cause, e.Problem, e.Fix = core.ErrUnavailable, ctx.Err(), "no answer from "+s.hosts, unreachable
	case c == codes.DeadlineExceeded:
		e.Kind, e.Cause, e.Fix = core.ErrUnavailable, nil, unreachable
		e.Problem = fmt.Sprintf("no answer from %s within %v", s.hosts, s.timeout)
	default:
		e.Kind, e.Problem, e.Fix = core.ErrUnavailable, "no answer from "+s.hosts, unreachable
	}
	return e
}

const unreachable = "check that etcd runs and can be reached from here"

// bare is err without the words that gRPC puts around it.
func bare(err error) error {
	if st, ok := status.FromError(err); ok && st.Code() != codes.Unknown {
		return errors.New(st.Message())
	}
	return err
}
