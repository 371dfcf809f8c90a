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
	"github.com/tokentoss/tokentoss/core/fault"
)

func wrongSetting(name, problem, fix string) error {
	return &fault.Error{Subject: "setting " + name, Problem: problem, Remedy: fault.Remedy{Text: fix}}
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
	e := &fault.Error{Subject: what, Err: bare(err)}
	switch c := code(err); {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Err = ctx.Err()
	case handshake(err):
		e.Kind, e.Problem = core.ErrRefused, "no trust between this machine and "+s.hosts
		e.Remedy.Text = "check ca_file, cert_file and key_file"
	case errors.Is(err, rpctypes.ErrAuthFailed):
		e.Kind, e.Remedy.Text = core.ErrRefused, "check username and password_file"
	case errors.Is(err, rpctypes.ErrUserEmpty):
		e.Kind, e.Problem = core.ErrRefused, "etcd wants to know who asks"
		e.Remedy.Text = "set username and password_file, or cert_file and key_file"
	case c == codes.PermissionDenied:
		e.Kind = core.ErrRefused
		e.Remedy.Text = fmt.Sprintf("ask the administrator for readwrite permission on the prefix %s, or set another prefix", s.prefix)
		if s.user == "" {
			e.Remedy.Text = "set username and password_file, or " + e.Remedy.Text
		}
	case c == codes.Unauthenticated, c == codes.FailedPrecondition && !errors.Is(err, rpctypes.ErrNotLeader):
		e.Kind, e.Remedy.Text = core.ErrRefused, "check username and password_file"
	case errors.Is(err, rpctypes.ErrNoSpace):
		e.Kind, e.Remedy.Text = core.ErrReadOnly, "ask the administrator to compact and defragment etcd, and to disarm its alarm"
	case errors.Is(err, rpctypes.ErrRequestTooLarge):
		e.Kind = core.ErrTooLarge
	case ctx.Err() != nil:
		e.Kind, e.Err, e.Problem, e.Remedy.Text = core.ErrUnavailable, ctx.Err(), "no answer from "+s.hosts, unreachable
	case c == codes.DeadlineExceeded:
		e.Kind, e.Err, e.Remedy.Text = core.ErrUnavailable, nil, unreachable
		e.Problem = fmt.Sprintf("no answer from %s within %v", s.hosts, s.timeout)
	default:
		e.Kind, e.Problem, e.Remedy.Text = core.ErrUnavailable, "no answer from "+s.hosts, unreachable
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
