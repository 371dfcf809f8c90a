package file_test

import (
	"errors"
	"os"
)

func setUmask(string) error { return errors.ErrUnsupported }

// killed tells whether a process was ended by Kill, which gives it that exit code.
func killed(s *os.ProcessState) bool { return s.ExitCode() == 1 }

func strangers() []refusal { return nil }

// refusals: an access list that a test can spoil as a user would is not had without a second user.
func refusals() []refusal { return nil }
