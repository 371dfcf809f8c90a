package wire

import (
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
)

// ErrBadConfig: the settings of a plugin are not what it takes.
const ErrBadConfig = fault.BadConfig

// An Error is an error of the other process. It reads as it did there, and
// errors.Is finds the same kinds in it.
type Error struct {
	fault.Remote

	// Call is the call of a conversation whose outcome this is, or 0.
	Call uint64

	is []error
}

// Unwrap returns the kinds, and the errors that say more than what they are.
func (e *Error) Unwrap() []error { return append(e.Remote.Unwrap(), e.is...) }

// FromError returns the message for err, nil for none. What looks like a secret
// is taken out of the text: an error of a store or of a library below it may
// quote what it failed on.
func FromError(err error) *pb.Error {
	if err == nil {
		return nil
	}
	own := fault.ToRemote(err)
	m := &pb.Error{Text: errorText(own.Text), Hint: errorText(own.Next.String()), Remedy: fromRemedy(own.Next)}
	for _, k := range own.Kinds {
		m.Reasons = append(m.Reasons, pb.Reason(k.Row().Reason))
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
	e := &Error{Remote: fault.Remote{Text: m.Text, Next: toRemedy(m.Remedy, m.Hint)}, Call: m.Call, is: toProblems(m)}
	for _, reason := range m.Reasons {
		if reason == pb.Reason_REASON_SIGN_IN_NEEDED {
			e.is = append(e.is, &core.SignInNeededError{Cause: core.Cause(m.Cause), Email: m.Email})
			continue
		}
		if k := fault.OfReason(int32(reason)); k != "" {
			e.Kinds = append(e.Kinds, k)
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
	st, derr := status.New(codes.Code(fault.Of(err).Row().GRPC), m.Text).WithDetails(m)
	if derr != nil {
		return status.Error(codes.Unknown, m.Text)
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
