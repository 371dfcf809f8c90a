package fault

import (
	"fmt"
	"time"
)

// An Action is something to do about a fault.
type Action string

// The actions. What a [Remedy.Subject] is for each stands beside it.
const (
	SignIn         Action = "sign_in"         // sign in, again if need be
	Forget         Action = "forget"          // give up the session that is kept here
	Configure      Action = "configure"       // set the OAuth client
	Unlock         Action = "unlock"          // a store or key, where a person can be asked
	MakeWritable   Action = "make_writable"   // a path
	MakePrivate    Action = "make_private"    // a path: nobody else may read or write it
	FreeSpace      Action = "free_space"      // a path on the full disk
	MoveAway       Action = "move_away"       // a path
	Restore        Action = "restore"         // what is lost: a path, an item
	SetVariable    Action = "set_variable"    // the name of an environment variable; Value says to what
	CorrectSetting Action = "correct_setting" // the name of a setting; Value says to what
	CorrectFile    Action = "correct_file"    // the path of a file that a person edits
	Ask            Action = "ask"             // whom: "an administrator"; Value says for what: "for ...", "to ..."
	Install        Action = "install"         // a program
	Update         Action = "update"          // a program, to a newer version
	Retry          Action = "retry"           // the same again later: only for what time mends
	CheckNetwork   Action = "check_network"   // a host that is not reached
	SetClock       Action = "set_clock"       // of this machine
	AddProfile     Action = "add_profile"     // a profile's name
	ListProfiles   Action = "list_profiles"   // see which there are
	ListStores     Action = "list_stores"     // see which there are
	ListPlugins    Action = "list_plugins"    // see which there are
	InstallPlugin  Action = "install_plugin"  // the path of its executable
	DescribePlugin Action = "describe_plugin" // a plugin's name: see which settings it takes
	ShowLog        Action = "show_log"        // see what a plugin logs
	DidYouMean     Action = "did_you_mean"    // a name like the one that was given
	Run            Action = "run"             // a command of another program
	TrustProvider  Action = "trust_provider"  // name the issuer, if a provider other than Google is meant
	AllowLoopback  Action = "allow_loopback"  // of an emulator's plain http on this machine
	Diagnose       Action = "diagnose"        // have tokentoss look for the reason
)

// A Remedy is what to do next about a fault. It names no command or option of
// tokentoss, since each frontend has others.
type Remedy struct {
	Action  Action        `json:"action,omitempty"`
	Subject string        `json:"subject,omitempty"` // to what
	Value   string        `json:"value,omitempty"`   // to or for what
	After   time.Duration `json:"after,omitempty"`   // with [Retry]: how long to wait, in nanoseconds; 0 when not known

	// Text says it in an author's own words, which are then used as they are.
	Text string `json:"text,omitempty"`

	// From names the plugin whose advice it is; empty for tokentoss itself.
	From string `json:"from,omitempty"`
}

// On returns the remedy of doing a to subject.
func (a Action) On(subject string) Remedy { return Remedy{Action: a, Subject: subject} }

// To returns the remedy of doing a to subject, with a value.
func (a Action) To(subject, value string) Remedy {
	return Remedy{Action: a, Subject: subject, Value: value}
}

// Say returns a remedy in an author's own words.
func Say(format string, args ...any) Remedy { return Remedy{Text: fmt.Sprintf(format, args...)} }

// IsZero tells whether r says nothing.
func (r Remedy) IsZero() bool { return r == Remedy{} }

// sentences say the actions where nobody has words of their own for them: alone,
// with a subject (%[1]s), and with a subject and a value (%[2]s).
var sentences = map[Action][3]string{
	SignIn:         {"sign in", "sign in to %[1]s"},
	Forget:         {"give up the session that is kept here, and sign in again", "give up the session of %[1]s, and sign in again"},
	Configure:      {"set up an OAuth client", "correct %[1]s of the OAuth client"},
	Unlock:         {"unlock the store", "unlock %[1]s"},
	MakeWritable:   {"make the place writable, or choose another", "make %[1]s writable, or choose another place"},
	MakePrivate:    {"make the file private: only you may read and write it", "make %[1]s private: only you may read and write it"},
	FreeSpace:      {"free some space on the disk", "free some space on the disk of %[1]s"},
	MoveAway:       {"move it away, or choose another place", "move %[1]s away, or choose another place"},
	Restore:        {"restore it from a backup", "restore %[1]s from a backup"},
	SetVariable:    {"correct the environment", "set the environment variable %[1]s", "set the environment variable %[1]s to %[2]s"},
	CorrectSetting: {"correct the settings", "correct the setting %[1]s", "set %[1]s to %[2]s"},
	CorrectFile:    {"correct the file", "correct %[1]s"},
	Ask:            {"ask an administrator", "ask %[1]s", "ask %[1]s %[2]s"},
	Install:        {"install what is missing", "install %[1]s"},
	Update:         {"update tokentoss", "update %[1]s"},
	Retry:          {"try again in a moment"},
	CheckNetwork:   {"check the network connection", "check the network connection to %[1]s"},
	SetClock:       {"set the clock of this machine"},
	AddProfile:     {"add the profile", "add the profile %[1]s, or name another"},
	ListProfiles:   {"name a profile that exists"},
	ListStores:     {"name a store that exists"},
	ListPlugins:    {"name a plugin that is installed"},
	InstallPlugin:  {"install the plugin", "install the plugin %[1]s"},
	DescribePlugin: {"correct the settings of the plugin", "correct the settings of the plugin %[1]s"},
	ShowLog:        {"look at what the plugin logs"},
	DidYouMean:     {"check the name", "did you mean %[1]q?"},
	Run:            {"run the command that repairs it", "run %[1]s"},
	TrustProvider:  {"if you trust another provider, set issuer to its URL; its endpoints are then discovered, and those of the file are not used"},
	AllowLoopback:  {"for an emulator on this machine, set insecure_loopback to true"},
	Diagnose:       {"run the diagnosis of tokentoss"},
}

// Actions returns all actions.
func Actions() []Action {
	list := make([]Action, 0, len(sentences))
	for a := range sentences {
		list = append(list, a)
	}
	return list
}

// Known tells whether a is an action: a newer tokentoss may send others.
func (a Action) Known() bool { return sentences[a][0] != "" }

// String says r in plain words. They fit anywhere: a frontend that has a command,
// a call or a button for the action says that instead.
func (r Remedy) String() string {
	switch s := sentences[r.Action]; {
	case r.Text != "":
		return r.Text
	case r.Action == Retry && r.After > 0:
		return "try again in " + r.After.Round(time.Second).String()
	case r.Value != "" && s[2] != "":
		return fmt.Sprintf(s[2], r.Subject, r.Value)
	case r.Subject != "" && s[1] != "":
		return fmt.Sprintf(s[1], r.Subject)
	default:
		return s[0]
	}
}
