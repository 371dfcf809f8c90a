package signin

import (
	"strings"
	"unicode"

	"github.com/tokentoss/tokentoss/core/fault"
)

// A Problem is an error as a person sees it. Code is a [fault.Kind], or
// "bad_answer". Message is one of the texts below; nothing that a provider sent is
// in it.
type Problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`

	// Detail is what the App's own error says, where the message is too general to
	// act on: which field of a client is wrong, or which file cannot be written.
	Detail string `json:"detail,omitempty"`
}

// maxDetail is the length of a detail, in characters.
const maxDetail = 400

// A saying is what a person is told of a kind of fault.
type saying struct {
	message string
	detail  bool // the error's own words say more
}

// sayings has the kinds that the widget has words of its own for.
var sayings = map[fault.Kind]saying{
	fault.NotSaved:        {"You are signed in, but the session could not be saved: it ends with this program. Make room, or make the place writable, then sign in again.", true},
	fault.NotRevoked:      {"You are signed out here, but the provider could not be told. To end the session there too, remove tokentoss in your account's security settings.", false},
	fault.Denied:          {"The sign-in was refused: you, or your organisation, said no. Try again, or choose another account.", false},
	fault.SignInTimeout:   {"The sign-in was not finished in time. If the provider showed an error page, tell your administrator what it says; otherwise try again.", false},
	fault.NotConfigured:   {"There is no OAuth client yet. Enter one first.", false},
	fault.SignInNeeded:    {"The session has ended. Sign in again.", true},
	fault.Closed:          {"tokentoss is ending. Start it again.", false},
	fault.BadClient:       {"This OAuth client cannot be used.", true},
	fault.ClientRejected:  {"The provider does not accept the OAuth client. Check its ID and its secret, or enter another.", true},
	fault.BadConfig:       {"A setting has to be corrected first.", true},
	fault.ReadOnly:        {"The session cannot be saved where it is kept.", true},
	fault.Sealed:          {"The place where the session is kept is locked. Unlock it, then try again.", true},
	fault.Locked:          {"Another program holds the place where the session is kept. Try again in a moment.", true},
	fault.Unavailable:     {"The place where the session is kept cannot be reached.", true},
	fault.Corrupt:         {"The session that is kept cannot be read.", true},
	fault.Insecure:        {"The session that is kept can be read or written by others.", true},
	fault.Deadline:        {"That took too long. Check the network connection, then try again.", false},
	fault.WrongClock:      {"The clock of this machine is wrong. Set it, then try again.", true},
	fault.Offline:         {"The provider cannot be reached. Check the network connection and the proxy settings, then try again.", true},
	fault.UntrustedServer: {"This machine does not trust the provider's certificate.", true},
	fault.ProviderBusy:    {"The provider has trouble. Try again in a moment.", true},
	fault.ProviderAnswer:  {"The provider's answer cannot be used.", true},
	fault.BadToken:        {"The provider's answer cannot be used.", true},
}

// problemOf returns what a person is told of err.
func problemOf(err error) *Problem {
	kind := fault.Of(err)
	say, ok := sayings[kind]
	if !ok {
		say = saying{"That did not work.", true}
	}
	p := &Problem{Code: string(kind), Message: say.message}
	if say.detail {
		p.Detail = plain(detail(err, kind))
	}
	return p
}

// detail is what an error says, and what to do where it says that as well: what is
// usual for its kind is in the message.
func detail(err error, kind fault.Kind) string {
	if r := fault.RemedyOf(err); !r.IsZero() && r != kind.Row().Remedy {
		return err.Error() + "; " + r.String()
	}
	return err.Error()
}

// clientRefused is what a person is told of a client that cannot be used.
func clientRefused(err error) *Problem {
	return &Problem{Code: string(fault.BadClient), Message: sayings[fault.BadClient].message, Detail: plain(detail(err, fault.BadClient))}
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
