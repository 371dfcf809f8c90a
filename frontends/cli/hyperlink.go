package cli

import (
	"encoding/base64"
	"os"
	"slices"
	"strconv"
	"strings"
)

// canDecorate tells whether w is a terminal that may be sent more than plain text.
func canDecorate(w any, getenv func(string) string) bool {
	return isTerminal(w) && getenv("TERM") != "dumb" && getenv("NO_COLOR") == "" && getenv("CI") == ""
}

// linkTerminals are those that are known to make links of OSC 8
// (https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda), by $TERM, which
// ssh passes on, or by $TERM_PROGRAM.
var linkTerminals = []string{
	"xterm-kitty", "xterm-ghostty", "ghostty", "alacritty", "foot", "foot-extra", "wezterm", "contour",
	"iTerm.app", "WezTerm", "vscode", "rio",
}

// hasLinks tells whether the terminal is one that makes links. Others may print what
// they do not know.
func hasLinks(getenv func(string) string) bool {
	number := func(name string) int {
		n, _ := strconv.Atoi(getenv(name))
		return n
	}
	switch {
	case strings.HasPrefix(getenv("TERM"), "tmux"), strings.HasPrefix(getenv("TERM"), "screen"), getenv("TMUX") != "":
		return getenv("TERM_PROGRAM") == "tmux" && newerTmux(getenv("TERM_PROGRAM_VERSION"))
	case slices.Contains(linkTerminals, getenv("TERM")), slices.Contains(linkTerminals, getenv("TERM_PROGRAM")):
		return true
	}
	return number("VTE_VERSION") >= 5000 || number("KONSOLE_VERSION") >= 201200 || getenv("WT_SESSION") != ""
}

// newerTmux tells whether a version of tmux is 3.4 or later, which passes links on.
func newerTmux(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(strings.TrimRight(rest, "abcdefgh"), "-")
	a, _ := strconv.Atoi(major)
	b, _ := strconv.Atoi(minor)
	return a > 3 || a == 3 && b >= 4
}

// hyperlink makes a link of url, whose text is url.
func hyperlink(url string) string { return "\x1b]8;;" + url + "\x1b\\" + url + "\x1b]8;;\x1b\\" }

// clipboard is what puts text into the clipboard of a terminal, wherever that is: OSC
// 52. A terminal that does not take it does nothing.
func clipboard(text string) string {
	return "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(text)) + "\x1b\\"
}

// showAddress sets an address apart: a link where the terminal makes links, and always
// whole.
func (in *Invocation) showAddress(url string) {
	if url = oneLine(url); canDecorate(in.Stderr, os.Getenv) && hasLinks(os.Getenv) {
		url = hyperlink(url)
	}
	in.showRaw(url)
}
