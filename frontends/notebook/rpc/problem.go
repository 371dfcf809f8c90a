package rpc

import (
	"errors"
	"strings"
	"unicode"

	"github.com/tokentoss/tokentoss/core/fault"
)

// maxText is the length of a message or a hint, in characters.
const maxText = 1000

// words say the actions that a client, or its person, does with tokentoss itself. A
// client that has other words for an action finds it in [Data].
var words = map[fault.Action]string{
	fault.SignIn:        "sign in: with the widget, or by tokentoss login",
	fault.Forget:        "sign out of this machine alone, by tokentoss logout --local, and sign in again",
	fault.Configure:     "set an OAuth client: with the widget, or by tokentoss configure --from client_secrets.json",
	fault.Unlock:        "unlock it by tokentoss status in a terminal, then open the session again",
	fault.AddProfile:    "tokentoss profile list in a terminal shows which there are",
	fault.ListProfiles:  "tokentoss profile list in a terminal shows which there are",
	fault.ListStores:    "tokentoss store list in a terminal shows which there are",
	fault.ListPlugins:   "tokentoss plugin list in a terminal shows which there are",
	fault.InstallPlugin: "tokentoss plugin install PATH in a terminal",
	fault.CheckNetwork:  "check the network connection; the session is kept",
	fault.Diagnose:      "tokentoss doctor in a terminal",
}

// problemOf returns what the client is told of err.
func problemOf(err error) *Problem {
	var own *Problem
	if errors.As(err, &own) {
		return own
	}
	kind, r := fault.Of(err), fault.RemedyOf(err)
	if r.IsZero() && kind != fault.Canceled {
		r = fault.Diagnose.On("")
	}
	p := failure(string(kind), plain(err.Error()), plain(hint(kind, r)))
	if r.Text == "" && r.From == "" {
		p.Data.Action, p.Data.Subject, p.Data.Value = string(r.Action), plain(r.Subject), plain(r.Value)
	}
	return p
}

func hint(kind fault.Kind, r fault.Remedy) string {
	switch text := words[r.Action]; {
	case r.From != "":
		return "plugin " + r.From + " says: " + r.String()
	case r.Text != "":
		return r.Text
	case r.Action == fault.SignIn && (kind == fault.Corrupt || kind == fault.Insecure || kind == fault.TooLarge):
		return "sign in again, which sets the document aside"
	case r.Action == fault.Retry && kind == fault.ProviderBusy:
		return "the session is kept; " + r.String()
	case text != "":
		return text
	}
	return r.String()
}

// plain makes one line of a text, and cuts a long one.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	if r := []rune(text); len(r) > maxText {
		return string(r[:maxText]) + "…"
	}
	return text
}
