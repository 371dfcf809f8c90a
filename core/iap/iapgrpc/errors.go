package iapgrpc

import (
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tokentoss/tokentoss/core/fault"
)

// A statusError is a fault with the status that a call ends with because of it.
type statusError struct{ err error }

// callError gives a fault its status.
func callError(err error) error { return &statusError{err} }

// Error implements error.
func (e *statusError) Error() string { return e.err.Error() }

// Unwrap gives the fault.
func (e *statusError) Unwrap() error { return e.err }

// GRPCStatus is for [status.FromError]. Its message says what to do.
func (e *statusError) GRPCStatus() *status.Status {
	text := e.err.Error()
	if next := fault.RemedyOf(e.err).String(); next != "" {
		text += ": " + next
	}
	return status.New(codeOf(e.err), text)
}

// codeOf is the code of a fault's kind, or UNAUTHENTICATED where gRPC has credentials not
// give that code (https://github.com/grpc/proposal/blob/master/A54-restrict-control-plane-status-codes.md).
func codeOf(err error) codes.Code {
	switch c := codes.Code(fault.Of(err).Row().GRPC); c {
	case codes.Canceled, codes.DeadlineExceeded, codes.PermissionDenied, codes.Unavailable:
		return c
	default:
		return codes.Unauthenticated
	}
}

// errTooMuch is the refusal of a stream that cannot be made again.
var errTooMuch = &fault.Error{
	Kind: fault.TokenRefused, Problem: "IAP refused the token, and more was sent on the stream than is kept to be sent again; the token was renewed",
	Remedy: fault.Say("make the call again"),
}

// unexpected begins what grpc-go says of an answer that is not gRPC's.
const unexpected = "unexpected HTTP status code received from server: "

// An answer is one that is not gRPC's: of IAP, or of something else before the service.
type answer struct {
	status int
	body   []byte // its beginning
}

// answerOf reads it from the error of a call, which is all that grpc-go gives; ok is false
// if there is none. A service that speaks gRPC answers with 200 whatever the call's status.
func answerOf(err error) (a answer, ok bool) {
	_, text, ok := strings.Cut(status.Convert(err).Message(), unexpected)
	if !ok {
		return answer{}, false
	}
	number, rest, _ := strings.Cut(text, " ")
	if a.status, err = strconv.Atoi(number); err != nil {
		return answer{}, false
	}
	if _, quoted, found := strings.Cut(rest, "\ndata: "); found {
		if body, err := strconv.Unquote(quoted); err == nil {
			a.body = []byte(body)
		}
	}
	return a, true
}

// stale tells that another token may do.
func (a answer) stale() bool {
	switch a.status {
	case http.StatusUnauthorized, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect:
		return true
	}
	return false
}

// denied tells that no token of this person will do.
func (a answer) denied() bool { return a.status == http.StatusForbidden }
