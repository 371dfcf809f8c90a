package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// permute puts the options of a command line before its arguments, so that
// "tokentoss get URL -o FILE" means what it says: package flag stops at the
// first argument. Global options may stand anywhere too. What follows "--" is
// left alone, and so is what follows the first argument of a command that wraps
// another program.
func permute(app *cli.App, args []string) []string {
	if len(args) == 0 {
		return args
	}
	var global, path, options, rest []string
	commands, flags := app.Commands, []cli.Flag(nil)
	for i := 1; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			rest = append(rest, args[i:]...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			if next := commandNamed(commands, arg); next != nil && len(rest) == 0 {
				path, commands, flags = append(path, arg), next.Subcommands, next.Flags
			} else {
				rest = append(rest, arg)
				if len(path) > 0 && slices.Contains(wrappers, path[0]) {
					rest = append(rest, args[i+1:]...)
					break
				}
			}
			continue
		}
		into, known := &options, flagNamed(flags, arg)
		if known == nil {
			if known = flagNamed(app.Flags, arg); known != nil {
				into = &global
			}
		}
		*into = append(*into, arg)
		if known != nil && takesValue(known) && !strings.Contains(arg, "=") {
			if i++; i == len(args) {
				// It stays the last: the value that it lacks is nothing else's name.
				return lackingValue(args[0], path, arg, into == &global)
			}
			*into = append(*into, args[i])
		}
	}
	out := append([]string{args[0]}, global...)
	out = append(out, path...)
	out = append(out, options...)
	// An argument that looks like an option, or like a command, is neither.
	return append(out, rest...)
}

// lackingValue is a command line that is about nothing but an option without its
// value.
func lackingValue(program string, path []string, option string, global bool) []string {
	if global {
		path = nil
	}
	return append(append([]string{program}, path...), option)
}

// placeOptions returns the global options of a permuted command line that say
// which session is meant, each followed by a space.
func placeOptions(args []string) string {
	var b strings.Builder
	for i := 1; i < len(args) && strings.HasPrefix(args[i], "-"); i++ {
		name, value, hasValue := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if !slices.Contains([]string{"profile", "store", "config-dir"}, name) {
			continue
		}
		if !hasValue && i+1 < len(args) {
			i++
			value = args[i]
		}
		if strings.ContainsAny(value, " \t'\"\\$") {
			value = strconv.Quote(value)
		}
		b.WriteString("--" + name + " " + value + " ")
	}
	return b.String()
}

// wrappers are the commands whose arguments are another program's.
var wrappers = []string{"curl", "exec"}

func commandNamed(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func flagNamed(flags []cli.Flag, arg string) cli.Flag {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(f cli.Flag) bool {
	_, isBool := f.(*cli.BoolFlag)
	return !isBool
}
