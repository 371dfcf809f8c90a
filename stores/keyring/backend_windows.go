package keyring

import (
	"errors"
	"syscall"

	system "github.com/99designs/keyring"

	"github.com/tokentoss/tokentoss/core"
)

const (
	backend     = system.WinCredBackend
	backendName = "Windows Credential Manager"
)

// whyAbsent is never asked: the library always has the Credential Manager.
func whyAbsent() (problem, fix string) { return "it is not there", whereElse }

// kindOf returns what an error of Windows is in the terms of core, or nil.
func kindOf(err error) (fix string, kind core.Kind) {
	const noSuchLogonSession = syscall.Errno(1312) // such as that of a service, or over SSH
	switch {
	case errors.Is(err, syscall.ERROR_ACCESS_DENIED):
		return "", core.ErrRefused
	case errors.Is(err, noSuchLogonSession):
		return "", core.ErrSealed
	}
	return "", ""
}
