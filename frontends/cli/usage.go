package cli

import (
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// unknownCommand says that there is no command name among those of parent, which
// is empty for the program itself.
func unknownCommand(parent, name string, commands []*cli.Command) error {
	path := strings.TrimSpace("tokentoss " + parent)
	hint := path + " --help"
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	if near := nearest(name, names); near != "" {
		hint = "did you mean " + path + " " + near + "?"
	}
	return usagef(hint, "there is no command %q", strings.TrimSpace(parent+" "+name))
}

// onUsageError is for what a [parser] did not find, though package flag did.
func onUsageError(ctx *cli.Context, err error, _ bool) error {
	path := ctx.Command.HelpName
	return usagef(path+" --help", "%s: %v", path, err)
}

// dashed is an option as it is typed.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// nearest returns the one of names that name is most likely meant to be, or "".
func nearest(name string, names []string) string {
	best, most := "", 0.84
	for _, n := range names {
		if likeness := smetrics.JaroWinkler(name, n, 0.7, 4); likeness > most {
			best, most = n, likeness
		}
	}
	return best
}
