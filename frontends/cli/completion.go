package cli

import (
	"context"
	"fmt"
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
  [[ $cur != = ]] || cur=
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
# The file of this function among the others, or a line of .zshrc.
if [[ $funcstack[1] == _tokentoss ]]; then _tokentoss; else compdef _tokentoss tokentoss; fi`

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

func (c *commands) completion() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print a completion script: bash, zsh, fish or pwsh", Category: "setup", ArgsUsage: "SHELL",
		Action: c.run(1, 1, completion),
	}
}

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
