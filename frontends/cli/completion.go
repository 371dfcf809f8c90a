package cli

import (
	"context"
	"fmt"
	"strings"
)

// The scripts ask the program itself what could come next, by the option that
// urfave/cli has for that.
const (
	bashCompletion = `_tokentoss() {
  local cur opts
  COMPREPLY=()
  cur="${COMP_WORDS[COMP_CWORD]}"
  if [[ "$cur" == "-"* ]]; then
    opts=$("${COMP_WORDS[@]:0:COMP_CWORD}" "$cur" --generate-bash-completion 2>/dev/null)
  else
    opts=$("${COMP_WORDS[@]:0:COMP_CWORD}" --generate-bash-completion 2>/dev/null)
  fi
  COMPREPLY=($(compgen -W "$opts" -- "$cur"))
}
complete -o bashdefault -o default -F _tokentoss tokentoss`

	zshCompletion = `#compdef tokentoss
_tokentoss() {
  local -a opts
  local cur=${words[-1]}
  if [[ "$cur" == "-"* ]]; then
    opts=("${(@f)$(${words[@]:0:#words[@]-1} ${cur} --generate-bash-completion 2>/dev/null)}")
  else
    opts=("${(@f)$(${words[@]:0:#words[@]-1} --generate-bash-completion 2>/dev/null)}")
  fi
  if [[ "${opts[1]}" != "" ]]; then
    _describe 'values' opts
  else
    _files
  fi
}
compdef _tokentoss tokentoss`

	pwshCompletion = `Register-ArgumentCompleter -Native -CommandName tokentoss -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = $commandAst.CommandElements | ForEach-Object { $_.ToString() }
  if ($wordToComplete -and -not $wordToComplete.StartsWith('-')) { $words = $words[0..($words.Length - 2)] }
  & $words[0] @($words | Select-Object -Skip 1) --generate-bash-completion 2>$null |
    Where-Object { $_ -like "$wordToComplete*" } |
    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}`
)

// completion prints a script for a shell.
func completion(_ context.Context, in *Invocation) error {
	var script string
	switch shell := in.Args().First(); shell {
	case "bash":
		script = bashCompletion
	case "zsh":
		script = zshCompletion
	case "pwsh":
		script = pwshCompletion
	case "fish":
		var err error
		if script, err = in.App.ToFishCompletion(); err != nil {
			return err
		}
	default:
		return usagef("one of bash, zsh, fish, pwsh", "completion: there is no script for %q", shell)
	}
	_, err := fmt.Fprintln(in.Stdout, strings.TrimSpace(script))
	return err
}
