package signin

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// A Problem is an error as a person sees it. Message is one of the texts below;
// nothing that a provider sent is in it.
type Problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`

	// Detail is what the App's own error says, where the message is too general to
	// act on: which field of a client is wrong, or which file cannot be written.
	Detail string `json:"detail,omitempty"`
}

// maxDetail is the length of a detail, in characters.
const maxDetail = 400

// What is said of the errors of package core. They are found in this order.
var problems = []struct {
	is      error
	code    string
	message string
	detail  bool // the error's own words say more
}{
	{core.ErrNotSaved, "not_saved", "You are signed in, but the session could not be saved: it ends with this program. Make room, or make the place writable, then sign in again.", true},
	{core.ErrNotRevoked, "not_revoked", "You are signed out here, but the provider could not be told. To end the session there too, remove tokentoss in your account's security settings.", false},
	{core.ErrDenied, "denied", "The sign-in was refused: you, or your organisation, said no. Try again, or choose another account.", false},
	{core.ErrSignInTimeout, "timeout", "The sign-in was not finished in time. If the provider showed an error page, tell your administrator what it says; otherwise try again.", false},
	{core.ErrNotConfigured, "not_configured", "There is no OAuth client yet. Enter one first.", false},
	{core.ErrSignInNeeded, "sign_in_needed", "The session has ended. Sign in again.", true},
	{core.ErrReadOnly, "store", "The session cannot be saved where it is kept.", true},
	{core.ErrSealed, "store", "The place where the session is kept is locked. Unlock it, then try again.", true},
	{core.ErrLocked, "store", "Another program holds the place where the session is kept. Try again in a moment.", true},
	{core.ErrUnavailable, "store", "The place where the session is kept cannot be reached.", true},
	{core.ErrCorrupt, "store", "The session that is kept cannot be read.", true},
	{core.ErrInsecure, "store", "The session that is kept can be read by others.", true},
	{core.ErrClosed, "closed", "tokentoss is ending. Start it again.", false},
	{context.DeadlineExceeded, "slow", "That took too long. Check the network connection, then try again.", false},
}

// problemOf returns what a person is told of err.
func problemOf(err error) *Problem {
	for _, known := range problems {
		if errors.Is(err, known.is) {
			p := &Problem{Code: known.code, Message: known.message}
			if known.detail {
				p.Detail = plain(err.Error())
			}
			return p
		}
	}
	var provider *oidc.ProviderError
	var clock *oidc.ClockError
	switch {
	case errors.As(err, &clock):
		return &Problem{Code: "clock", Message: "The clock of this machine is wrong. Set it, then try again.", Detail: plain(err.Error())}
	case errors.As(err, &provider) && provider.Offline:
		return &Problem{Code: "offline", Message: "The provider cannot be reached. Check the network connection and the proxy settings, then try again.", Detail: plain(err.Error())}
	case errors.As(err, &provider):
		return &Problem{Code: "provider", Message: "The provider did not accept the sign-in, or has trouble. Try again in a moment.", Detail: plain(err.Error())}
	}
	return &Problem{Code: "failed", Message: "That did not work. The provider, or the connection to it, may be down: try again in a moment.", Detail: plain(err.Error())}
}

// clientRefused is what a person is told of a client that cannot be used.
func clientRefused(err error) *Problem {
	p := &Problem{Code: "client_refused", Message: "This OAuth client cannot be used.", Detail: plain(err.Error())}
	if hint := fault.Hint(err); hint != "" {
		p.Detail = plain(err.Error() + "; " + hint)
	}
	return p
}

// badAnswer is what a person is told of an address that was not taken.
func badAnswer(problem string) *Problem {
	return &Problem{Code: "bad_answer", Message: "That address was not taken.", Detail: plain(problem)}
}

// plain makes one line of a text, and cuts a long one.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	if r := []rune(text); len(r) > maxDetail {
		return string(r[:maxDetail]) + "…"
	}
	return text
}
