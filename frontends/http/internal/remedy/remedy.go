// Package remedy says what to do about a fault, in the words of the servers that
// tokentoss runs on this machine: to programs that show them to a person, who has a
// shell beside it.
package remedy

import (
	"github.com/tokentoss/tokentoss/core/fault"
)

// commands say the actions that a person does with tokentoss itself.
var commands = map[fault.Action]string{
	fault.SignIn:        "run tokentoss login",
	fault.Forget:        "run tokentoss logout --local, then tokentoss login",
	fault.Configure:     "run tokentoss configure --from client_secrets.json",
	fault.Unlock:        "run tokentoss status in a terminal, where it can ask for what unlocks the store",
	fault.AddProfile:    "run tokentoss profile list",
	fault.ListProfiles:  "run tokentoss profile list",
	fault.ListStores:    "run tokentoss store list",
	fault.ListPlugins:   "run tokentoss plugin list",
	fault.InstallPlugin: "run tokentoss plugin install PATH",
	fault.CheckNetwork:  "see whether this machine is online; nothing was lost, and you stay signed in",
	fault.Diagnose:      "run tokentoss doctor",
}

// Words says what to do about err, or nothing if nobody knows.
func Words(err error) string {
	r := fault.RemedyOf(err)
	if r.From != "" {
		return "plugin " + r.From + " says: " + r.String()
	}
	if text := commands[r.Action]; text != "" && r.Text == "" {
		return text
	}
	return r.String()
}

// Sentence says what err is and what to do about it.
func Sentence(err error) string {
	if words := Words(err); words != "" {
		return err.Error() + ": " + words
	}
	return err.Error()
}
