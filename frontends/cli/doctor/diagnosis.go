package doctor

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A Level says how a check ended.
type Level string

// The levels. A warning does not make a report fail.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// A Check is one thing that is looked at.
type Check string

// The checks, in their order.
const (
	Configuration Check = "configuration"
	Store         Check = "store"
	Provider      Check = "provider"
	Clock         Check = "clock"
	Session       Check = "session"
	Address       Check = "address"
	Network       Check = "network"
	IAP           Check = "iap"
	Token         Check = "token"
	Access        Check = "access"
	Tunnel        Check = "tunnel"
)

// A Code names a diagnosis, for programs. It does not change.
type Code string

// A Diagnosis is one thing that can be wrong. Its texts have places for facts, such
// as {host}.
type Diagnosis struct {
	Code  Code
	Check Check // that finds it
	Level Level
	Exit  int // the exit code of the command that finds it

	Title    string   // what is the matter, in a line
	Cause    string   // why that is so, or may be
	Do       []string // what to do: one of these, in the order of likelihood
	Commands []string // for a shell, in their order
}

// Exit codes, which are those of the command line.
const (
	exitFailed  = 1
	exitSignIn  = 3
	exitRefused = 4
)

// Diagnoses returns all that can be the matter, in the order of the checks.
func Diagnoses() []Diagnosis {
	return slices.Concat(localDiagnoses(), sessionDiagnoses(), networkDiagnoses(), iapDiagnoses(), tokenDiagnoses(), guardDiagnoses(), tunnelDiagnoses())
}

// lookUp returns a diagnosis of the table.
func lookUp(id Code) Diagnosis {
	all := Diagnoses()
	return all[slices.IndexFunc(all, func(c Diagnosis) bool { return c.Code == id })]
}

// Facts are what is known of the matter at hand, by the name of their place.
type Facts map[string]string

// pattern compiles a pattern when it is first asked for: this package is a part of an
// executable that starts often, and seldom for it.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

var place = pattern(`\{[a-z_]+\}`)

// Expand puts facts into a text of a [Diagnosis]. What is not known keeps its name, in
// capitals, for a person to replace.
func (f Facts) Expand(text string) string { return f.expand(text, func(s string) string { return s }) }

// ExpandCommand is Expand for a shell's command line: a fact stays one word,
// whatever is in it.
func (f Facts) ExpandCommand(text string) string { return f.expand(text, quote) }

func (f Facts) expand(text string, form func(string) string) string {
	return place().ReplaceAllStringFunc(text, func(p string) string {
		name := strings.Trim(p, "{}")
		switch value := f[name]; {
		case value == "":
			return strings.ToUpper(name)
		case strings.HasSuffix(name, "_flags"): // words of a command already
			return value
		default:
			return form(value)
		}
	})
}

// quote makes s one word of a POSIX shell.
func quote(s string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._:/@+=%", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
