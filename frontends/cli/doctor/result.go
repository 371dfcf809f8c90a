package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
)

// A Result is how one check ended. Its JSON form is stable: fields may be added.
type Result struct {
	Check Check  `json:"check"`
	Level Level  `json:"level"`
	Code  Code   `json:"case,omitempty"` // empty if all is well
	Text  string `json:"text"`

	// Seen is what others said, such as a network error or IAP's own words.
	Seen string `json:"seen,omitempty"`

	Cause    string   `json:"cause,omitempty"`
	Do       []string `json:"do,omitempty"`
	Commands []string `json:"commands,omitempty"`
	Facts    Facts    `json:"facts,omitempty"` // what was put into the texts

	exit int
}

// A Report is what [Examine] found.
type Report struct {
	OK       bool     `json:"ok"`        // nothing failed
	ExitCode int      `json:"exit_code"` // that of the first failure
	Profile  string   `json:"profile,omitempty"`
	URL      string   `json:"url,omitempty"` // without its query
	Checks   []Result `json:"checks"`
}

// add appends a result, and tells whether it is no failure.
func (r *Report) add(f Result) bool {
	if f.Level == Fail && r.OK {
		r.OK, r.ExitCode = false, f.exit
	}
	r.Checks = append(r.Checks, f)
	return f.Level != Fail
}

// passed is the result of a check that found nothing.
func passed(c Check, format string, args ...any) Result {
	return Result{Check: c, Level: OK, Text: clean(fmt.Sprintf(format, args...))}
}

// diagnosed is the result of a check that found something. seen is what others said about it, or "".
func diagnosed(id Code, facts Facts, seen string) Result {
	c := lookUp(id)
	all := strings.Join(slices.Concat([]string{c.Title, c.Cause}, c.Do, c.Commands), " ")
	tidy, used := Facts{}, Facts{}
	for name, value := range facts {
		if value = clean(value); value == "" || !strings.Contains(all, "{"+name+"}") {
			continue
		}
		tidy[name] = value
		if !strings.HasSuffix(name, "_flags") {
			used[name] = value
		}
	}
	f := Result{Check: c.Check, Level: c.Level, Code: c.Code, exit: c.Exit, Facts: used,
		Text: tidy.Expand(c.Title), Seen: clean(seen), Cause: tidy.Expand(c.Cause)}
	for _, text := range c.Do {
		f.Do = append(f.Do, tidy.Expand(text))
	}
	for _, text := range c.Commands {
		f.Commands = append(f.Commands, tidy.ExpandCommand(text))
	}
	return f
}

// of is f as the result of another check than the diagnosis' usual one.
func (f Result) of(c Check) Result {
	f.Check = c
	return f
}

// maxText is how much is shown of what others say.
const maxText = 400

// clean makes a text that may come from elsewhere one line without control
// characters.
func clean(s string) string {
	s = fault.Line(s)
	if runes := []rune(s); len(runes) > maxText {
		s = string(runes[:maxText]) + "..."
	}
	return strings.TrimSpace(s)
}
