package privatefile

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tokentoss/tokentoss/core/fault"
)

// reason strips the operation and the path of a system error, since a
// [fault.Error] has the path already.
func reason(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

func notFound(path string) error { return &fault.Error{Subject: path, Kind: fault.NotFound} }

// insecure tells why a file is refused.
func insecure(path, problem string, remedy fault.Remedy) error {
	return &fault.Error{Subject: path, Kind: fault.Insecure, Problem: problem, Remedy: remedy}
}

// aDevice is what cannot be moved.
const aDevice = "a device"

// notRegular tells what is there in place of a file. Of a file of ours the remedy is to
// move it away; of one that a person names, another name is wanted.
func notRegular(path, what string, remedy fault.Remedy) error {
	kind := fault.BadConfig
	if remedy.Action == fault.MoveAway {
		kind = fault.Corrupt
	}
	if what == aDevice {
		remedy = fault.Say("choose another place")
	}
	return &fault.Error{Subject: path, Kind: kind, Problem: what + ", not a regular file", Remedy: remedy}
}

// readOnly tells that somebody took the permission to write from a file.
func readOnly(path string) error {
	return &fault.Error{Subject: path, Kind: fault.ReadOnly, Problem: "the file is read-only", Remedy: fault.Run.On(makeWritable(path))}
}

func tooLarge(path string, size int64) error {
	return &fault.Error{
		Subject: path, Kind: fault.TooLarge, Problem: fmt.Sprintf("%d bytes, and at most %d are expected", size, MaxSize),
		Remedy: fault.CorrectFile.On(path),
	}
}

func cannotOpen(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return notFound(path)
	}
	return unusable(path, "cannot be opened", err)
}

func cannotExamine(path string, err error) error {
	return unusable(path, "cannot be examined", err)
}

func cannotRead(path string, err error) error {
	return unusable(path, "cannot be read", err)
}

// unusable tells why path cannot be used.
func unusable(path, problem string, err error) error {
	e := &fault.Error{Subject: path, Problem: problem, Err: reason(err)}
	if !errors.Is(err, fs.ErrPermission) {
		return e
	}
	at := existing(path)
	if e.Remedy = OwnerRemedy(path); e.Remedy.IsZero() && !usersOwn(at) {
		e.Remedy = fault.Ask.To("the owner of "+at, "for access to it, or choose another place")
	}
	return e
}

func cutShort(path string) error {
	return &fault.Error{Subject: path, Kind: fault.Corrupt, Problem: "it was cut short while it was read"}
}

// cannotWrite tells why path, or something that it needs, could not be written.
// Whatever the system's reason, it means the same to the caller: what it wanted
// to keep is not kept, and what was there is.
func cannotWrite(path string, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	e := &fault.Error{Subject: path, Kind: fault.ReadOnly, Err: reason(err)}
	switch {
	case errors.Is(err, errNoSpace), errors.Is(err, errQuota):
		e.Remedy = fault.FreeSpace.On(path)
	case errors.Is(err, fs.ErrPermission):
		e.Remedy = OwnerRemedy(path)
	}
	if e.Remedy.IsZero() {
		e.Remedy = fault.MakeWritable.On(filepath.Dir(path))
	}
	return e
}

// checkName refuses what no file can be called.
func checkName(path string) error {
	if path == "" || strings.ContainsRune(path, 0) {
		return &fault.Error{Subject: fmt.Sprintf("%q", path), Kind: fault.BadConfig, Problem: "it is not the name of a file"}
	}
	return nil
}

// quote writes a path as a word of a shell command.
func quote(path string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(`/\:._-+@`, r)
	}
	if strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return quoted(path)
}
