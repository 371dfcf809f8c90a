package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/core/proxyenv"
)

func (c *commands) runProgram() *cli.Command {
	return &cli.Command{
		Name: "run", Usage: "run any program: its requests to services behind IAP get the token on the way", Category: "requests",
		ArgsUsage: "[-- COMMAND [ARGUMENTS]]", Action: c.run(0, -1, run),
		Description: "The command has no token. It has the address of a forward proxy of its own, and a certificate\n" +
			"authority that is good for the services alone, in the variables that programs read, such as\n" +
			"HTTPS_PROXY and SSL_CERT_FILE. Without a COMMAND it is your shell.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "for", Usage: "for the service at `URL`", DefaultText: "the profile's targets"},
		},
	}
}

// RunCommand makes tokentoss-host the proxy of the process whose number follows, with the
// rest of that one's command line. It is for this program, not for people.
const RunCommand = "serve-run"

// RunOptions are of the proxy of a run.
type RunOptions struct {
	Targets []string // URLs; none are the profile's
	Process int      // with which the run ends
}

// A RunAnswer is what the proxy of a run says to the process that becomes the command, on
// its standard output.
type RunAnswer struct {
	Exit int               `json:"exit,omitempty"` // why there is none, which was said
	Set  map[string]string `json:"set,omitempty"`  // variables of the command
}

// run starts the proxy beside this process, which then becomes the command.
func run(ctx context.Context, in *Invocation) error {
	if in.full != nil && in.full.Process != 0 {
		return in.full.RunProxy(ctx, in, RunOptions{Targets: in.StringSlice("for"), Process: in.full.Process})
	}
	words, hint := wrapped(in), nameHint
	if len(words) == 0 {
		words, hint = []string{personsShell()}, "correct "+shellVariable()+", which names it, or write a command"
	}
	path, err := lookUp(words[0], hint)
	if err != nil {
		return err
	}
	for _, raw := range in.StringSlice("for") {
		if err := in.checkRunTarget(raw); err != nil {
			return err
		}
	}
	if err := proxyenv.CheckAll(); err != nil {
		return err
	}
	answer, err := startRunProxy(ctx, in)
	switch {
	case err != nil:
		return err
	case answer.Exit != 0:
		return Exit(answer.Exit)
	}
	return in.Become(path, words, withVariables(childEnv(), answer.Set))
}

// checkRunTarget finds what is wrong with a service that the command line names.
func (in *Invocation) checkRunTarget(raw string) error {
	u, err := parseTarget(raw)
	if err != nil {
		return err
	}
	if u.Scheme == "http" {
		return usagef("use https://"+u.Host+"; an emulator has it with --tls", "run: only https is opened, and %s is not", raw)
	}
	if _, err := (iap.Options{Origins: []string{u.String()}}).Allows(u); err != nil {
		return refusedTarget(err, u.String())
	}
	return nil
}

// shellVariable names the person's shell.
func shellVariable() string {
	if runtime.GOOS == "windows" {
		return "ComSpec"
	}
	return "SHELL"
}

// personsShell is what runs where no command is named.
func personsShell() string {
	if shell := os.Getenv(shellVariable()); shell != "" {
		return shell
	}
	if runtime.GOOS == "windows" {
		return "cmd.exe"
	}
	return "/bin/sh"
}

// startRunProxy starts the proxy, and waits until the command can begin: the proxy asks
// whatever the person must be asked before.
func startRunProxy(ctx context.Context, in *Invocation) (*RunAnswer, error) {
	host, err := hostPath()
	if err != nil {
		return nil, &hintedError{fmt.Errorf("%s needs %s, %w", in.Command.HelpName, hostName, err),
			"go install " + hostPackage + ", or install the complete release"}
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	own := in.args[1 : len(in.args)-in.NArg()] // without the command
	err = startOrphan(append([]string{host, RunCommand, strconv.Itoa(os.Getpid())}, own...), w, in.Stderr)
	_ = w.Close()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", host, err)
	}
	defer context.AfterFunc(ctx, func() { _ = r.Close() })()
	text, err := io.ReadAll(r)
	var answer RunAnswer
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &fault.Error{Subject: "the proxy of the run", Kind: fault.Failed, Problem: "it ended before it began", Err: err}
	}
	return &answer, nil
}

// wrapped returns the command that the arguments are.
func wrapped(in *Invocation) []string {
	words := in.Args().Slice()
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	return words
}

// nameHint is for a command that cannot be run.
const nameHint = "check the name; what follows -- is the command"

// lookUp finds a command that is to be run, with the exit codes that shells have where
// there is none, or something else.
func lookUp(name, hint string) (path string, err error) {
	path, err = exec.LookPath(name)
	var why *exec.Error
	switch {
	case err == nil:
		return path, nil
	case errors.As(err, &why) && !errors.Is(err, exec.ErrNotFound) && !errors.Is(err, fs.ErrNotExist):
		return "", &exitError{126, &hintedError{fmt.Errorf("%s cannot be run: %w", name, why.Err), hint}}
	}
	return "", &exitError{127, &hintedError{fmt.Errorf("there is no command %q", name), hint}}
}

// Become runs a command in place of this process, so that its signals, its terminal and
// its exit code are its own; where the system has no such thing, as a child.
func (in *Invocation) Become(path string, words, env []string) error {
	switch err := replaceProcess(path, words, env); {
	case errors.Is(err, fs.ErrNotExist): // of which the file was found
		return &exitError{126, &hintedError{fmt.Errorf("%s: %w", words[0], err), "the file is there: the program that its first line names is not"}}
	case !errors.Is(err, errors.ErrUnsupported):
		return &exitError{126, fmt.Errorf("%s: %w", words[0], err)}
	}
	cmd := exec.Command(path, words[1:]...) // which gets a Ctrl-C of the console itself
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, in.Stdin, in.Stdout, in.Stderr
	return passExit(cmd.Run())
}

// withVariables returns an environment with other values.
func withVariables(environ []string, set map[string]string) []string {
	var env []string
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		if _, ok := set[name]; !ok {
			env = append(env, e)
		}
	}
	for name, value := range set {
		env = append(env, name+"="+value)
	}
	return env
}
