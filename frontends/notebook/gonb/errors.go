package gonb

import (
	"errors"
	"fmt"
)

// ErrNoPerson: there is nobody to sign in, or no way to ask them.
var ErrNoPerson = errors.New("there is nobody here to sign in")

// A NoPersonError says why nobody can be asked. It is [ErrNoPerson].
type NoPersonError struct {
	Need    string // what a person would do
	Problem string
	hint    string
}

func noSignIn(problem string) error {
	return &NoPersonError{"a sign-in is needed", problem, "run tokentoss login in a terminal first"}
}

func noClient(problem string) error {
	return &NoPersonError{"an OAuth client is needed", problem, "run tokentoss configure in a terminal first"}
}

func (e *NoPersonError) Error() string {
	return e.Need + ", and there is nobody to ask: " + e.Problem + "; " + e.hint
}

// Hint says what to do.
func (e *NoPersonError) Hint() string { return e.hint }

// Is makes errors.Is(err, ErrNoPerson) true.
func (e *NoPersonError) Is(target error) bool { return target == ErrNoPerson }

var (
	errNowhere = errors.New("this client knows no service: name it, like gonb.SignIn(ctx, \"https://my-service.run.app\"), or in targets of config.toml")

	// errInterrupted and errKernelGone are why a cell ends early.
	errInterrupted = errors.New("the cell was interrupted")
	errKernelGone  = errors.New("the kernel has ended")
	errSaved       = errors.New("the OAuth client is saved")
)

// because says why err came, or why something ended without an error.
func because(why, err error) error {
	if err == nil || errors.Is(err, why) {
		return why
	}
	return fmt.Errorf("%w: %w", why, err)
}
