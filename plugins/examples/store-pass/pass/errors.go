package pass

import (
	"errors"
	"os/exec"
	"strings"
	"syscall"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// bare strips a system error of its operation and path.
func bare(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// installed tells what is missing on this machine.
func (s *Store) installed() error {
	missing := func(program, fix string) error {
		return &fault.Error{Subject: s.folder, Kind: core.ErrUnavailable, Problem: program + " is not installed, or not in PATH", Remedy: fault.Remedy{Text: fix}}
	}
	if _, err := exec.LookPath("pass"); err != nil {
		return missing("pass", "apt-get install pass")
	}
	for _, name := range []string{"gpg2", "gpg"} {
		if _, err := exec.LookPath(name); err == nil {
			return nil
		}
	}
	return missing("gpg", "apt-get install gnupg")
}

func (s *Store) uninitialised() error {
	return &fault.Error{
		Subject: s.folder, Kind: core.ErrUnavailable, Problem: "the password store in " + s.dir + " does not say whom to encrypt to",
		Remedy: fault.Say("pass init YOUR-GPG-ID"),
	}
}

// unreadable says why an entry was not decrypted.
func (s *Store) unreadable(entry string, out *output) error {
	e := &fault.Error{Subject: entry, Kind: core.ErrUnavailable, Problem: last(out.stderr)}
	changed := out.status["BADMDC"] || out.status["NODATA"] || out.exit == nil
	switch {
	case !changed && (out.status["NO_SECKEY"] || out.status["DECRYPTION_FAILED"]):
		// gpg does not tell which: in its words there is no secret key either way.
		e.Kind, e.Problem = core.ErrSealed, "gpg has no secret key for it, or nobody typed the key's passphrase"
		e.Remedy.Text = "pass show " + entry + " >/dev/null, in a terminal: it asks for the passphrase; gpg --list-secret-keys shows the keys"
	case changed, out.status["ENC_TO"]:
		e.Kind, e.Problem, e.Remedy.Text = core.ErrCorrupt, "it was not written to its end, or changed since", "pass rm "+entry
	}
	return e
}

// failed says why an entry was not written.
func (s *Store) failed(entry string, out *output) error {
	e := &fault.Error{Subject: entry, Kind: core.ErrReadOnly, Problem: last(out.stderr)}
	switch {
	case out.status["INV_RECP"], out.status["NO_RECP"]:
		e.Kind, e.Problem = core.ErrUnavailable, "gpg does not encrypt to the key that .gpg-id names"
		e.Remedy.Text = "gpg --list-keys shows the keys; pass init YOUR-GPG-ID"
	case !s.initialised():
		return s.uninitialised()
	}
	return e
}

// last returns the last line that is meant for people.
func last(stderr string) string {
	lines := strings.Split(stderr, "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		line := strings.TrimSpace(lines[i])
		if line == "" || strings.HasPrefix(line, "[GNUPG:]") || line == "Password encryption aborted." {
			continue
		}
		const most = 200
		return line[:min(len(line), most)]
	}
	return "pass does not say why"
}
