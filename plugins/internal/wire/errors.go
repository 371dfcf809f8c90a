package wire

import (
	"context"
	"errors"
	"io"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
)

// ErrBadConfig: the settings of a plugin are not what it takes.
var ErrBadConfig = errors.New("settings that cannot be used")

// reasons are the errors whose identity survives the way to another process.
var reasons = []struct {
	err    error
	reason pb.Reason
	code   codes.Code // what gRPC's own tools show; nothing is decided by it
}{
	{core.ErrNotFound, pb.Reason_REASON_NOT_FOUND, codes.NotFound},
	{core.ErrConflict, pb.Reason_REASON_CONFLICT, codes.Aborted},
	{core.ErrLocked, pb.Reason_REASON_LOCKED, codes.FailedPrecondition},
	{core.ErrCorrupt, pb.Reason_REASON_CORRUPT, codes.DataLoss},
	{core.ErrInsecure, pb.Reason_REASON_INSECURE, codes.FailedPrecondition},
	{core.ErrReadOnly, pb.Reason_REASON_READ_ONLY, codes.FailedPrecondition},
	{core.ErrBadKey, pb.Reason_REASON_BAD_KEY, codes.InvalidArgument},
	{core.ErrTooLarge, pb.Reason_REASON_TOO_LARGE, codes.ResourceExhausted},
	{core.ErrUnavailable, pb.Reason_REASON_UNAVAILABLE, codes.FailedPrecondition},
	{core.ErrSealed, pb.Reason_REASON_SEALED, codes.FailedPrecondition},
	{core.ErrRefused, pb.Reason_REASON_REFUSED, codes.PermissionDenied},
	{core.ErrNotConfigured, pb.Reason_REASON_NOT_CONFIGURED, codes.FailedPrecondition},
	{core.ErrSignInNeeded, pb.Reason_REASON_SIGN_IN_NEEDED, codes.Unauthenticated},
	{core.ErrDenied, pb.Reason_REASON_DENIED, codes.PermissionDenied},
	{core.ErrSignInTimeout, pb.Reason_REASON_SIGN_IN_TIMEOUT, codes.DeadlineExceeded},
	{core.ErrRenewedRecently, pb.Reason_REASON_RENEWED_RECENTLY, codes.FailedPrecondition},
	{core.ErrNotRevoked, pb.Reason_REASON_NOT_REVOKED, codes.Unknown},
	{core.ErrNotSaved, pb.Reason_REASON_NOT_SAVED, codes.Unknown},
	{core.ErrClosed, pb.Reason_REASON_CLOSED, codes.FailedPrecondition},
	{oidc.ErrInsecureLoopback, pb.Reason_REASON_INSECURE_LOOPBACK, codes.FailedPrecondition},
	{core.ErrNoFlow, pb.Reason_REASON_NO_FLOW, codes.FailedPrecondition},
	{context.Canceled, pb.Reason_REASON_CANCELED, codes.Canceled},
	{context.DeadlineExceeded, pb.Reason_REASON_DEADLINE, codes.DeadlineExceeded},
	{errors.ErrUnsupported, pb.Reason_REASON_UNSUPPORTED, codes.Unimplemented},
	{io.EOF, pb.Reason_REASON_END, codes.OutOfRange},
	{ErrBadConfig, pb.Reason_REASON_BAD_CONFIG, codes.InvalidArgument},
}

// An Error is an error of the other process. It reads as it did there, and
// errors.Is finds the same errors of package core in it.
type Error struct {
	Text string
	Next string // the hint

	// Call is the call of a conversation whose outcome this is, or 0.
	Call uint64

	is []error
}

func (e *Error) Error() string { return e.Text }

// Hint says what to do next, or is empty.
func (e *Error) Hint() string { return e.Next }

func (e *Error) Unwrap() []error { return e.is }

// FromError returns the message for err, nil for none. What looks like a secret
// is taken out of the text: an error of a store or of a library below it may
// quote what it failed on.
func FromError(err error) *pb.Error {
	if err == nil {
		return nil
	}
	m := &pb.Error{Text: errorText(err.Error())}
	var hint interface{ Hint() string }
	if errors.As(err, &hint) {
		m.Hint = errorText(hint.Hint())
	}
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			m.Reasons = append(m.Reasons, r.reason)
		}
	}
	var signIn *core.SignInNeededError
	if errors.As(err, &signIn) {
		m.Cause, m.Email = Text(string(signIn.Cause)), Text(signIn.Email)
	}
	fromProblems(m, err)
	var remote *Error
	if errors.As(err, &remote) {
		m.Call = remote.Call
	}
	return m
}

// maxErrorText bounds the text of an error, in bytes, which goes in a header.
const maxErrorText = 16 << 10

func errorText(s string) string {
	if len(s) <= maxErrorText {
		return Text(Redact(s))
	}
	// What is left of a secret that was cut is too short to be known for one: that
	// goes as well.
	const partial = 64
	s = Redact(s[:maxErrorText])
	return Text(s[:max(0, len(s)-partial)]) + "..."
}

// Text makes s fit to be sent: texts are UTF-8, and a message with another is not
// sent at all.
func Text(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// ToError returns the error of a message, nil for none.
func ToError(m *pb.Error) error {
	if m == nil {
		return nil
	}
	e := &Error{Text: m.Text, Next: m.Hint, Call: m.Call, is: toProblems(m)}
	for _, reason := range m.Reasons {
		if reason == pb.Reason_REASON_SIGN_IN_NEEDED {
			e.is = append(e.is, &core.SignInNeededError{Cause: core.Cause(m.Cause), Email: m.Email})
			continue
		}
		for _, r := range reasons {
			if r.reason == reason {
				e.is = append(e.is, r.err)
			}
		}
	}
	return e
}

// ToStatus returns err as the error of a gRPC method.
func ToStatus(err error) error {
	if err == nil {
		return nil
	}
	m := FromError(err)
	code := codes.Unknown
	for _, r := range reasons {
		if len(m.Reasons) > 0 && r.reason == m.Reasons[0] {
			code = r.code
		}
	}
	st, derr := status.New(code, m.Text).WithDetails(m)
	if derr != nil {
		return status.Error(code, m.Text)
	}
	return st.Err()
}

// FromStatus returns the error that a gRPC method of a plugin returned. ok tells
// that the plugin itself said so; otherwise err is nil, and gRPC says that there
// was no answer.
func FromStatus(err error) (e error, ok bool) {
	for _, d := range status.Convert(err).Details() {
		if m, is := d.(*pb.Error); is {
			return ToError(m), true
		}
	}
	return nil, false
}
