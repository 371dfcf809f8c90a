// Package setting has types for the settings of plugins. It links nothing that the
// plugins themselves need, so that a store can be used without them.
package setting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// A Secret is a setting that says where a secret is, and never has the secret itself:
//
//	password = {file = "~/.config/tokentoss/password"}
//	password = {command = ["pass", "show", "database"]}
//
// Nothing that prints or describes settings shows what is in the file, or what the
// command says. The zero value is a secret that is not set.
type Secret struct {
	File    string   `json:"file,omitempty"`
	Command []string `json:"command,omitempty"`
}

// commandTimeout is how long the command may take. It may have to ask the person.
const commandTimeout = time.Minute

// maxSecret bounds what a command may say, in bytes.
const maxSecret = 64 << 10

// IsZero tells whether the secret is not set.
func (s Secret) IsZero() bool { return s.File == "" && len(s.Command) == 0 }

// Describe says in words what a person has to write for a secret.
func (Secret) Describe() string {
	return `a secret: {file = PATH} or {command = [PROGRAM, ARGUMENT...]}`
}

// UnmarshalJSON implements [json.Unmarshaler]. The secret itself is refused, and not
// shown: settings are copied, backed up and shown to others.
func (s *Secret) UnmarshalJSON(data []byte) error {
	type plain Secret
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte(`"`)) {
		return wrong("the secret itself must not be in the settings")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode((*plain)(s)); err != nil {
		return wrong("it says neither a file nor a command")
	}
	if (s.File == "") == (len(s.Command) == 0) {
		return wrong("it wants either a file or a command")
	}
	return nil
}

func wrong(problem string) error {
	return &fault.Error{Problem: problem, Kind: fault.BadConfig, Remedy: fault.Say("write {file = PATH} or {command = [PROGRAM, ARGUMENT...]}")}
}

// Read returns the secret: the first line of the file, or what the command prints. The
// file must be one that others cannot read, or one that root or a read-only mount
// gives. The command gets no input, and what it prints to its standard error is not
// shown: it may quote the secret.
func (s Secret) Read(ctx context.Context) (core.Secret, error) {
	switch {
	case s.File != "":
		return readFile(s.File)
	case len(s.Command) > 0:
		return run(ctx, s.Command)
	}
	return "", nil
}

func readFile(path string) (core.Secret, error) {
	path, err := expand(path)
	if err != nil {
		return "", err
	}
	given, err := privatefile.ReadGiven(path)
	if err != nil {
		return "", err
	}
	data, err := given.Secret()
	if err != nil {
		return "", err
	}
	return firstLine(path, data)
}

func firstLine(subject string, data []byte) (core.Secret, error) {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	if line = bytes.TrimSuffix(line, []byte("\r")); len(line) == 0 {
		return "", &fault.Error{Subject: subject, Problem: "its first line is empty", Kind: fault.BadConfig}
	}
	return core.Secret(line), nil
}

// expand makes the path of a setting absolute.
func expand(path string) (string, error) {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", &fault.Error{Subject: path, Problem: "there is no home directory", Kind: fault.BadConfig, Remedy: fault.Say("write an absolute path"), Err: err}
		}
		return filepath.Join(home, rest), nil
	}
	if !filepath.IsAbs(path) {
		return "", &fault.Error{Subject: path, Problem: "the path is relative", Kind: fault.BadConfig, Remedy: fault.Say("write an absolute path")}
	}
	return path, nil
}

func run(ctx context.Context, command []string) (core.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	program, err := exec.LookPath(command[0])
	if err != nil {
		return "", failed(command[0], "cannot be found", errors.Unwrap(err))
	}
	cmd := exec.CommandContext(ctx, program, command[1:]...)
	cmd.WaitDelay = time.Second // for a child that keeps its output open
	out := &limited{left: maxSecret}
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return "", failed(command[0], "the command failed", err)
	}
	return firstLine("the output of "+command[0], out.Bytes())
}

// failed names the program only: arguments may be anything.
func failed(program, problem string, err error) error {
	return &fault.Error{Subject: program, Problem: problem, Kind: fault.Unavailable, Err: err, Remedy: fault.Say("run the command that the settings name, and see what it says")}
}

// A limited is a buffer that takes no more than is left.
type limited struct {
	bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, fmt.Errorf("more than %d bytes", maxSecret)
	}
	l.left -= len(p)
	return l.Buffer.Write(p)
}
