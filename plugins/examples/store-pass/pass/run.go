package pass

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// endTimeout is how long pass and its children may take to end when they are
// asked to.
const endTimeout = 2 * time.Second

// An output is what pass printed.
type output struct {
	stdout []byte
	stderr string
	exit   error // nil when it succeeded

	// status are the words of gpg's machine-readable status (doc/DETAILS of
	// GnuPG), which are the same in every language.
	status map[string]bool
}

// run runs pass, which ends, with all its children, when ctx does. The error tells
// that pass did not run to its end.
func (s *Store) run(ctx context.Context, stdin []byte, args ...string) (*output, error) {
	cmd := exec.CommandContext(ctx, "pass", args...)
	cmd.Env = append(os.Environ(),
		"PASSWORD_STORE_DIR="+s.dir,
		// Nobody answers a question of gpg's own, and keys are not to be looked
		// for in the network.
		"PASSWORD_STORE_GPG_OPTS="+os.Getenv("PASSWORD_STORE_GPG_OPTS")+" --batch --no-auto-key-locate --status-fd=2",
		"LC_ALL=C",
	)
	var stdout, stderr capped
	stdout.room, stderr.room = maxSize+1, 64<<10
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	cmd.WaitDelay = endTimeout
	grouped(cmd)
	err := cmd.Run()
	s.log.Debug("ran pass", "command", args[0], "error", err)
	if ctx.Err() != nil && err != nil {
		endGroup(cmd)
		return nil, fmt.Errorf("pass %s: %w", args[0], ctx.Err())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, errors.Join(s.installed(), &fault.Error{Subject: s.folder, Kind: core.ErrUnavailable, Problem: "pass cannot be run", Err: bare(err)})
	}
	out := &output{stdout: stdout.Bytes(), stderr: stderr.String(), exit: err, status: make(map[string]bool)}
	for line := range strings.Lines(out.stderr) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "[GNUPG:]" {
			out.status[words[1]] = true
		}
	}
	return out, nil
}

// capped keeps the first bytes of what is written to it.
type capped struct {
	bytes.Buffer
	room int
}

// Write implements [io.Writer].
func (c *capped) Write(p []byte) (int, error) {
	keep := min(len(p), c.room)
	c.room -= keep
	c.Buffer.Write(p[:keep])
	return len(p), nil
}

// read decrypts an entry.
func (s *Store) read(ctx context.Context, entry string) (core.Record, error) {
	if !exists(s.path(entry + suffix)) {
		// pass would show what is in a folder of that name.
		return core.Record{}, &fault.Error{Subject: entry, Kind: core.ErrNotFound}
	}
	out, err := s.run(ctx, nil, "show", "--", entry)
	switch {
	case err != nil:
		return core.Record{}, err
	case len(out.stdout) > maxSize:
		return core.Record{}, &fault.Error{Subject: entry, Kind: core.ErrTooLarge, Problem: "it is no session"}
	case out.exit == nil && out.status["DECRYPTION_OKAY"]:
		return core.Record{Data: out.stdout, Revision: revision(out.stdout)}, nil
	case !exists(s.path(entry + suffix)): // any more
		return core.Record{}, &fault.Error{Subject: entry, Kind: core.ErrNotFound}
	}
	return core.Record{}, s.unreadable(entry, out)
}

// write encrypts to an entry, which is not whole until it returns.
func (s *Store) write(ctx context.Context, entry string, data []byte) error {
	out, err := s.run(ctx, data, "insert", "--multiline", "--force", "--", entry)
	switch {
	case err != nil:
		return err
	case out.exit != nil || !out.status["END_ENCRYPTION"]:
		return s.failed(entry, out)
	}
	return nil
}

// remove removes an entry if there is one.
func (s *Store) remove(ctx context.Context, entry string) error {
	if !exists(s.path(entry + suffix)) {
		return nil
	}
	out, err := s.run(ctx, nil, "rm", "--force", "--", entry)
	switch {
	case err != nil:
		return err
	case exists(s.path(entry + suffix)):
		return s.failed(entry, out)
	}
	return nil
}
