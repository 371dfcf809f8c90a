package cli

import (
	"slices"
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

// onUsageError says in this program's words what package flag found wrong.
func onUsageError(ctx *cli.Context, err error, _ bool) error {
	path, flags := ctx.Command.HelpName, slices.Concat(ctx.Command.Flags, ctx.App.Flags)
	hint := path + " --help"
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		var names []string
		for _, f := range flags {
			names = append(names, f.Names()...)
		}
		if near := nearest(name, names); near != "" && len(name) > 1 {
			hint = "did you mean " + dashed(near) + "?"
		}
		return usagef(hint, "%s: there is no option %s", path, dashed(name))
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return usagef(hint, "%s: option %s needs a value", path, dashed(name))
	}
	// could not parse "maybe" as bool value from environment variable "TOKENTOSS_VERBOSE" for flag verbose: ...
	if rest, ok := strings.CutPrefix(text, "could not parse "); ok {
		value, rest, _ := strings.Cut(rest, " as ")
		kind, rest, _ := strings.Cut(rest, " value from environment variable ")
		name, _, _ := strings.Cut(rest, " for flag ")
		return usagef("unset "+strings.Trim(name, `"`)+", or correct it", "the environment variable %s is %s, which is no %s", strings.Trim(name, `"`), value, kind)
	}
	// invalid value "5" for flag -timeout: parse error
	if value, rest, ok := strings.Cut(text, " for flag -"); ok {
		name, reason, _ := strings.Cut(rest, ":")
		if _, isDuration := flagNamed(flags, name).(*cli.DurationFlag); isDuration {
			reason = " a duration is like 90s or 5m"
		}
		text = value + " for option " + dashed(name) + ":" + reason
	}
	return usagef(hint, "%s: %s", path, text)
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
