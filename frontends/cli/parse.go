package cli

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// A parser reads a command line along the command tree. It finds what is wrong with
// it, and puts the options before the arguments, so that "tokentoss get URL -o FILE"
// means what it says: package flag stops at the first argument. Global options may
// stand anywhere too. What follows "--" is left alone, and so is what follows the
// first argument of a command that wraps another program.
type parser struct {
	app     *cli.App
	command *cli.Command // that the words named so far; nil is the program itself
	path    []string     // of its name

	global, options, rest []string // in the order in which package flag takes them
	given                 []cli.Flag
}

// parse returns args in the order that package flag wants, as far as they can be
// right.
func parse(app *cli.App, args []string) ([]string, error) {
	if len(args) == 0 {
		return args, nil
	}
	p := &parser{app: app}
	err := p.words(askedHelp(args[1:]))
	if err == nil {
		err = p.unknown()
	}
	if err == nil {
		err = p.environment()
	}
	line := append([]string{args[0]}, p.global...)
	line = append(line, p.path...)
	line = append(line, p.options...)
	// An argument that looks like an option, or like a command, is neither.
	return append(line, p.rest...), err
}

// askedHelp has "help COMMAND" as "COMMAND --help", which is what other programs take, too.
func askedHelp(words []string) []string {
	if len(words) == 0 || words[0] != "help" {
		return words
	}
	return append(slices.Clone(words[1:]), "--help")
}

// unknown finds a word that names no command where only a command can be. Otherwise
// package urfave/cli would look for help about it.
func (p *parser) unknown() error {
	if len(p.rest) == 0 || p.rest[0] == "--" || p.command != nil && (p.command.ArgsUsage != "" || len(p.command.Subcommands) == 0) {
		return nil
	}
	return unknownCommand(strings.Join(p.path, " "), p.rest[0], p.commands())
}

func (p *parser) words(args []string) error {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch next := commandNamed(p.commands(), arg); {
		case arg == "--":
			p.rest = append(p.rest, args[i:]...)
			return nil
		case len(arg) > 1 && arg[0] == '-':
			n, err := p.option(args[i:])
			if err != nil {
				return err
			}
			i += n
		case next != nil && len(p.rest) == 0:
			p.command, p.path = next, append(p.path, arg)
		default:
			p.rest = append(p.rest, arg)
			if wraps(p.command) {
				p.rest = append(p.rest, args[i+1:]...)
				return nil
			}
		}
	}
	return nil
}

// commands are those that the next word may name.
func (p *parser) commands() []*cli.Command {
	if p.command == nil {
		return p.app.Commands
	}
	return p.command.Subcommands
}

// flags are the options of the command itself.
func (p *parser) flags() []cli.Flag {
	if p.command == nil {
		return nil
	}
	return p.command.Flags
}

// name is how the command is called.
func (p *parser) name() string { return strings.Join(append([]string{p.app.Name}, p.path...), " ") }

// option takes the option that args begins with, and tells how many words of its own
// follow it.
func (p *parser) option(args []string) (int, error) {
	text, value, hasValue := strings.Cut(args[0], "=")
	into, f, owner := &p.options, flagNamed(p.flags(), text), p.name()
	if f == nil {
		if f = flagNamed(p.app.Flags, text); f != nil {
			into, owner = &p.global, p.app.Name
		}
	}
	if f == nil {
		if p.builtIn(text) {
			p.options = append(p.options, args[0])
			return 0, nil
		}
		return 0, p.noSuchOption(text)
	}
	*into = append(*into, args[0])
	p.given = append(p.given, f)
	words := 0
	if takesValue(f) && !hasValue {
		if len(args) == 1 {
			return 0, usagef(owner+" --help", "%s: option %s needs a value", owner, text)
		}
		words, value, hasValue = 1, args[1], true
		*into = append(*into, value)
	}
	if hasValue {
		if kind := wrongKind(f, value); kind != "" {
			return 0, usagef(owner+" --help", "%s: option %s is %q, which is not %s", owner, text, value, kind)
		}
	}
	return words, nil
}

// builtIn tells whether package urfave/cli has an option itself.
func (p *parser) builtIn(text string) bool {
	return flagNamed([]cli.Flag{cli.HelpFlag}, text) != nil || p.command == nil && flagNamed([]cli.Flag{cli.VersionFlag}, text) != nil
}

func (p *parser) noSuchOption(text string) error {
	hint := p.name() + " --help"
	var names []string
	for _, f := range slices.Concat(p.flags(), p.app.Flags) {
		names = append(names, f.Names()...)
	}
	name := strings.TrimLeft(text, "-")
	switch near := nearest(name, names); {
	case wraps(p.command):
		hint = "its options follow the dashes: " + p.name() + " " + p.command.ArgsUsage
	case near != "" && len(name) > 1:
		hint = "did you mean " + dashed(near) + "?"
	}
	return usagef(hint, "%s: there is no option %s", p.name(), dashed(name))
}

// environment finds what is wrong with variables that stand for options.
func (p *parser) environment() error {
	for _, f := range slices.Concat(p.app.Flags, p.flags()) {
		d, ok := f.(cli.DocGenerationFlag)
		if !ok || slices.Contains(p.given, f) {
			continue
		}
		for _, name := range d.GetEnvVars() {
			value := os.Getenv(name)
			if value == "" {
				continue
			}
			if kind := wrongKind(f, value); kind != "" {
				return usagef("unset "+name+", or correct it", "the environment variable %s is %q, which is not %s", name, value, kind)
			}
		}
	}
	return nil
}

// wrongKind returns "" if an option can have a value, or else what it must be.
func wrongKind(f cli.Flag, value string) string {
	switch f.(type) {
	case *cli.BoolFlag:
		if _, err := strconv.ParseBool(value); err != nil {
			return "true or false"
		}
	case *cli.IntFlag:
		if _, err := strconv.ParseInt(value, 0, strconv.IntSize); err != nil {
			return "a number"
		}
	case *cli.DurationFlag:
		if d, err := time.ParseDuration(value); err != nil || d < 0 {
			return "a duration of 0 or more, such as 90s or 5m"
		}
	}
	return ""
}

// placeOptions returns the global options of a parsed command line that say which
// session is meant, each followed by a space.
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
		fmt.Fprintf(&b, "--%s %s ", name, value)
	}
	return b.String()
}

// wraps tells whether the arguments of a command are another program's, after "--".
func wraps(c *cli.Command) bool { return c != nil && strings.Contains(c.ArgsUsage, "-- ") }

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
