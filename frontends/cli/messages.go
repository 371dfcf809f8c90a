package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
)

// All that tokentoss says to a person goes through this file, so that it has one
// voice:
//
//   - it goes to standard error, each line begins with "tokentoss: ";
//   - no capital at the beginning, no full stop at the end;
//   - an error says what happened, to what; the hint names the next command.

const prefix = "tokentoss: "

// messages are what one run says.
type messages struct {
	w io.Writer

	// options are the global options of this run that name a place. A hint that
	// is a command has them too: it is about the same profile.
	options string
}

// say tells what happens.
func (m messages) say(format string, args ...any) { m.line("", format, args...) }

// warn tells what is not as it should be, and goes on.
func (m messages) warn(format string, args ...any) { m.line("warning: ", format, args...) }

// fail tells why the program ends.
func (m messages) fail(format string, args ...any) { m.line("error: ", format, args...) }

// hint tells what to do next.
func (m messages) hint(format string, args ...any) {
	m.line("hint: ", "%s", m.command(fmt.Sprintf(format, args...)))
}

// command adds the options to a text that is a command.
func (m messages) command(text string) string {
	if rest, ok := strings.CutPrefix(text, "tokentoss "); ok && !ofAllProfiles(rest) && !strings.Contains(rest, "--") {
		return "tokentoss " + m.options + rest
	}
	return text
}

// ofAllProfiles tells whether a command is not about one profile or one store.
func ofAllProfiles(command string) bool {
	word, _, _ := strings.Cut(command, " ")
	return word == "profile" || word == "plugin" || word == "store"
}

func (m messages) line(kind, format string, args ...any) {
	fmt.Fprintln(m.w, prefix+kind+oneLine(fmt.Sprintf(format, args...)))
}

// oneLine keeps a message on one line and its control characters off the
// terminal: a part of it may come from elsewhere.
func oneLine(s string) string { return fault.Line(s) }
