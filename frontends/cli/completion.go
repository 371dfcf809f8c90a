package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// completeArg is the first argument with which the scripts ask the program what
// could come next. The words of the line follow, the last one being the one that
// is typed. Each answer is a line: a word, a tab, what it is for. No answer means
// a file.
const completeArg = "__complete"

const (
	bashCompletion = `_tokentoss() {
  local cur=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null | cut -f 1)" -- "$cur"))
}
complete -o bashdefault -o default -F _tokentoss tokentoss`

	zshCompletion = `#compdef tokentoss
_tokentoss() {
  local -a opts
  opts=("${(@f)$(${words[1]} __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "${opts[1]}" ]]; then
    opts=("${(@)opts/$'\t'/:}")
    _describe tokentoss opts
  else
    _files
  fi
}
compdef _tokentoss tokentoss`

	fishCompletion = `function __tokentoss_complete
  set -l words (commandline -opc)
  set -l cur (commandline -ct)
  set -l found ($words[1] __complete $words[2..-1] "$cur" 2>/dev/null)
  if set -q found[1]
    printf '%s\n' $found
  else
    __fish_complete_path "$cur"
  end
end
complete -c tokentoss -f -a '(__tokentoss_complete)'`

	pwshCompletion = `Register-ArgumentCompleter -Native -CommandName tokentoss -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })
  if (-not $wordToComplete) { $words += '""' }
  & $words[0] __complete @($words | Select-Object -Skip 1) 2>$null |
    ForEach-Object { ($_ -split [char]9)[0] } |
    Where-Object { $_ -like "$wordToComplete*" } |
    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}`
)

// shells are those that there is a script for.
var shells = []string{"bash", "zsh", "fish", "pwsh"}

// completion prints a script for a shell.
func completion(_ context.Context, in *Invocation) error {
	scripts := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion, "pwsh": pwshCompletion}
	script, ok := scripts[in.Args().First()]
	if !ok {
		return usagef("one of "+strings.Join(shells, ", "), "completion: there is no script for %q", in.Args().First())
	}
	_, err := fmt.Fprintln(in.Stdout, script)
	return err
}

// printCompletions prints what the last of words could be.
func printCompletions(w io.Writer, app *cli.App, words []string) error {
	for _, line := range completions(app, words) {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

func completions(app *cli.App, words []string) []string {
	if len(words) == 0 {
		return nil
	}
	words, typed := words[:len(words)-1], words[len(words)-1]
	commands, flags := app.Commands, []cli.Flag(nil)
	var command *cli.Command
	for i := 0; i < len(words); i++ {
		word := words[i]
		if word == "--" {
			return nil // the rest is another program's
		}
		if len(word) > 1 && word[0] == '-' {
			if f := firstFlag(flagNamed(flags, word), flagNamed(app.Flags, word)); f != nil && takesValue(f) && !strings.Contains(word, "=") {
				if i++; i == len(words) {
					return values(f)
				}
			}
			continue
		}
		next := commandNamed(commands, word)
		if next == nil {
			commands = nil // an argument; only options can follow
			continue
		}
		command, commands, flags = next, next.Subcommands, next.Flags
	}
	switch {
	case strings.HasPrefix(typed, "-"):
		return starting(typed, append(optionLines(flags), optionLines(app.VisibleFlags())...))
	case command != nil && command.Name == "completion" && words[len(words)-1] == "completion":
		return starting(typed, shells)
	}
	var lines []string
	for _, c := range commands {
		lines = append(lines, c.Name+"\t"+c.Usage)
	}
	return starting(typed, lines)
}

// values are what the value of an option can be, where that is known.
func values(f cli.Flag) []string {
	if f.Names()[0] == "format" {
		return tokenFormats
	}
	return nil
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

func starting(with string, lines []string) []string {
	var out []string
	for _, l := range lines {
		if strings.HasPrefix(l, with) {
			out = append(out, l)
		}
	}
	return out
}
