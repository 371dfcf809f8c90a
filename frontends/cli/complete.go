package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/profile"
)

// complete prints what the last word of a command line could be. All of it is in
// the command tree, but for the names that the configuration has: what an option's
// value or an argument is, the tree says by a word such as PROFILE.
func (p Program) complete(app *cli.App, args []string) error {
	line := readLine(app, args[2:])
	lines := line.words
	switch line.kind {
	case "":
	case "STORE", "FRONTEND", "PLUGIN":
		if p.Full == nil {
			return p.completeByHost(args)
		}
		names, _ := p.Full.Names(line.dir, line.kind) // what cannot be read has no names
		for _, n := range names {
			lines = append(lines, n.Name+"\t"+n.About)
		}
	case "PROFILE":
		lines = profileNames(line.dir)
	default:
		lines = values(line.kind)
	}
	for _, l := range lines {
		if !strings.HasPrefix(l, line.typed) {
			continue
		}
		if _, err := fmt.Fprintln(p.Stdout, line.prefix+l); err != nil {
			return err
		}
	}
	return nil
}

// completeByHost leaves it to the host, which knows the names. Where it is not
// there, there are none.
func (p Program) completeByHost(args []string) error {
	host, err := hostPath()
	if err != nil {
		return nil //nolint:nilerr // a shell that completes shows no errors
	}
	if err := replaceProcess(host, append([]string{host}, args[1:]...), os.Environ()); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	cmd := exec.Command(host, args[1:]...)
	cmd.Stdout = p.Stdout
	return cmd.Run()
}

// profileNames returns the names of the profiles.
func profileNames(dir string) []string {
	c, err := profile.ReadConfig(dir)
	if err != nil {
		return nil
	}
	return c.Names()
}

// values are what a value of a kind can be, where that does not depend on the
// configuration.
func values(kind string) []string {
	switch kind {
	case "FORMAT":
		return tokenFormats
	case "FLOW":
		return profile.Flows()
	case "SHELL":
		return shells
	}
	if strings.Contains(kind, "|") { // get|store|erase
		return strings.Split(kind, "|")
	}
	return nil
}

// A line is a command line that is being typed.
type line struct {
	typed  string   // the last word, as far as it is there
	prefix string   // what is before it in the same word: "--profile="
	words  []string // what it could be
	kind   string   // or the kind of what it could be; "" also when that is not known
	dir    string   // the configuration directory
}

// readLine follows words through the tree to the last one.
func readLine(app *cli.App, words []string) line {
	l := line{}
	l.dir, _ = profile.Dir()
	if len(words) == 0 {
		return l
	}
	words, l.typed = slices.Clone(words[:len(words)-1]), words[len(words)-1]
	// Bash makes three words of --profile=work.
	words = slices.DeleteFunc(words, func(w string) bool { return w == "=" })
	if l.typed == "=" {
		l.typed = ""
	}
	commands, flags, arguments := app.Commands, []cli.Flag(nil), []string(nil)
	for i := 0; i < len(words); i++ {
		word := words[i]
		if word == "--" {
			return l // the rest is another program's
		}
		if f := firstFlag(flagNamed(flags, word), flagNamed(app.Flags, word)); len(word) > 1 && word[0] == '-' {
			name, value, has := strings.Cut(word, "=")
			if f != nil && takesValue(f) && !has {
				if i++; i == len(words) {
					l.kind = kindOf(f)
					return l
				}
				value = words[i]
			}
			if name == "--config-dir" {
				l.dir = value
			}
			continue
		}
		if next := commandNamed(commands, word); next != nil {
			commands, flags, arguments = next.Subcommands, next.Flags, strings.Fields(next.ArgsUsage)
			continue
		}
		commands = nil // an argument; only options and further arguments can follow
		if len(arguments) > 0 {
			arguments = arguments[1:]
		}
	}
	l.last(app, flags, commands, arguments)
	return l
}

// last says what the last word could be, after what came before it.
func (l *line) last(app *cli.App, flags []cli.Flag, commands []*cli.Command, arguments []string) {
	switch name, value, has := strings.Cut(l.typed, "="); {
	case has && strings.HasPrefix(name, "-"):
		if f := firstFlag(flagNamed(flags, name), flagNamed(app.Flags, name)); f != nil && takesValue(f) {
			l.prefix, l.typed, l.kind = name+"=", value, kindOf(f)
		}
	case strings.HasPrefix(l.typed, "-"):
		l.words = append(optionLines(flags), optionLines(app.VisibleFlags())...)
	case len(commands) > 0:
		for _, c := range commands {
			if !c.Hidden {
				l.words = append(l.words, c.Name+"\t"+c.Usage)
			}
		}
	case len(arguments) > 0:
		l.kind = strings.Trim(arguments[0], "[]")
	}
}

// kindOf returns what the value of an option is, which the help says in capitals.
func kindOf(f cli.Flag) string {
	if d, ok := f.(cli.DocGenerationFlag); ok {
		_, rest, _ := strings.Cut(d.GetUsage(), "`")
		kind, _, _ := strings.Cut(rest, "`")
		return kind
	}
	return ""
}

func firstFlag(a, b cli.Flag) cli.Flag {
	if a != nil {
		return a
	}
	return b
}

func optionLines(flags []cli.Flag) []string {
	var lines []string
	for _, f := range flags {
		usage := ""
		if d, ok := f.(cli.DocGenerationFlag); ok {
			usage = strings.ReplaceAll(d.GetUsage(), "`", "")
		}
		for _, name := range f.Names() {
			lines = append(lines, dashed(name)+"\t"+usage)
		}
	}
	return lines
}
