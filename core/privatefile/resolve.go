package privatefile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/tokentoss/tokentoss/core/fault"
)

// Resolve returns the absolute path that text means, wherever it stands: in an option,
// in an environment variable or in a settings file. "~" and what begins with "~/" is in
// the user's home directory. A relative path begins at base; an empty base is the working
// directory.
//
// What is a path only by mistake is refused with [fault.BadConfig], since a file of that
// name would be made: one in quotes, one that begins with a variable that nobody has
// replaced or with the home of another user (~NAME), a file: URL, and one with control
// characters. A file that really is called so can be written with "./" before it.
func Resolve(text, base string) (string, error) {
	bad := func(problem string) (string, error) {
		return "", &fault.Error{Subject: fmt.Sprintf("path %q", text), Kind: fault.BadConfig, Problem: problem, Remedy: fault.Say("write an absolute path, or one that begins with ~/")}
	}
	switch first := strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune(`"'`, r) }); {
	case strings.TrimSpace(text) == "":
		return bad("it is empty")
	case strings.IndexFunc(text, unicode.IsControl) >= 0:
		return bad("it has control characters")
	case first != 0 || strings.HasSuffix(text, `"`) || strings.HasSuffix(text, "'"):
		return bad("it is in quotes, which would be a part of the name")
	case strings.HasPrefix(text, "$") || strings.HasPrefix(text, "%"):
		return bad("variables are not replaced here")
	case strings.HasPrefix(strings.ToLower(text), "file:"):
		return bad("it is a URL")
	}
	if rest, ok := strings.CutPrefix(text, "~"); ok {
		if rest != "" && !os.IsPathSeparator(rest[0]) {
			return bad("the home directories of other users are not looked up")
		}
		home, err := os.UserHomeDir()
		if err != nil || !filepath.IsAbs(home) {
			return "", &fault.Error{
				Subject: fmt.Sprintf("path %q", text), Kind: fault.BadConfig, Problem: "there is no home directory",
				Remedy: fault.SetVariable.To(homeVariable, "your home directory"),
			}
		}
		return filepath.Join(home, rest), nil
	}
	switch volume := filepath.VolumeName(text); {
	case filepath.IsAbs(text):
	case volume != "": // of Windows, which has a working directory for each drive
		return bad("what follows the drive does not begin at its root")
	case os.IsPathSeparator(text[0]):
		text = filepath.VolumeName(base) + text
	case base != "":
		text = filepath.Join(base, text)
	}
	abs, err := filepath.Abs(text)
	if err != nil {
		return bad("there is no working directory")
	}
	return abs, nil
}
