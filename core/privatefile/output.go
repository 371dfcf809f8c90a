package privatefile

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
)

// otherFile is what to do about a file that must not be written to.
var otherFile = fault.Say("name another file")

// followOutput finds out where a file is that a person named for output. A regular
// file that is there must be the user's own, and anything else the user's or root's.
func followOutput(path string) (place, error) {
	p, err := outputRule.follow(path)
	switch {
	case err != nil || p.info == nil || p.open:
		return p, err
	case p.info.IsDir():
		return p, notRegular(p.path, "a directory", otherFile)
	case notFile(p.info) != "":
		return p, checkOwner(p.path, p.info)
	case !isUsers(p.info):
		return p, notYours(p.path)
	}
	return p, nil
}

// followRegular is followOutput for what must be a regular file.
func followRegular(path string) (place, error) {
	p, err := followOutput(path)
	if err == nil && p.info != nil && (p.open || notFile(p.info) != "") {
		return p, notRegular(p.path, cmp.Or(notFile(p.info), "a descriptor"), otherFile)
	}
	return p, err
}

func notYours(path string) error {
	return &fault.Error{Subject: path, Kind: fault.Insecure, Problem: "it belongs to another user", Remedy: otherFile}
}

// ReplaceOutput writes a secret to a file that a person named: private, and whole at
// any moment. change gets the content of the file that is there, nil if there is
// none, and returns what it shall be, or an error if the file is none that may be
// replaced. Only a regular file of the user's own is. A link is kept, and what it
// leads to is replaced.
func ReplaceOutput(path string, change func(old []byte) ([]byte, error)) error {
	p, err := followRegular(path)
	if err != nil {
		return err
	}
	var old []byte
	if p.info != nil {
		if err := checkWritable(p); err != nil {
			return err
		}
		if old, err = readOutput(p.path); err != nil {
			return err
		}
	}
	data, err := change(old)
	if err != nil {
		return err
	}
	return replace(p.path, data, 0o600)
}

// RemoveOutput removes a file that a person named, if it is a regular file of the user's own
// that has that content. A link to it stays.
func RemoveOutput(path string, content []byte) error {
	p, err := followRegular(path)
	if err != nil || p.info == nil {
		return err
	}
	data, err := readOutput(p.path)
	if err != nil || !bytes.Equal(data, content) {
		return err
	}
	if err := os.Remove(p.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cannotWrite(p.path, err)
	}
	return nil
}

// readOutput reads the present content of an output.
func readOutput(path string) ([]byte, error) {
	f, err := openRead(path)
	if err != nil {
		return nil, whyNotOpen(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, cannotExamine(path, err)
	case notFile(info) != "":
		return nil, notRegular(path, notFile(info), otherFile)
	case !isUsers(info):
		return nil, notYours(path)
	case info.Size() > MaxSize:
		return nil, tooLarge(path, info.Size())
	}
	data := make([]byte, info.Size())
	if n, err := f.ReadAt(data, 0); n < len(data) {
		return nil, cannotRead(path, err)
	}
	return data, nil
}

// OpenLog opens a file that a person named for lines to be added to: a new private
// one, a regular file of the user's own, or a device such as a terminal. It is never
// truncated or removed. A named pipe must have a reader.
func OpenLog(path string) (*os.File, error) {
	p, err := followOutput(path)
	if err != nil {
		return nil, err
	}
	if p.info == nil {
		f, err := createPrivate(p.path)
		if err == nil {
			return f, nil
		} else if !errors.Is(err, fs.ErrExist) {
			return nil, cannotWrite(p.path, err)
		}
	}
	return openExisting(p, os.O_APPEND|noWait)
}

// openExisting opens an output that is there, to write to it as it is.
func openExisting(p place, flags int) (*os.File, error) {
	if !p.open {
		flags |= noFollow
	}
	f, err := os.OpenFile(p.path, os.O_WRONLY|flags, 0)
	if err != nil {
		return nil, cannotWrite(p.path, err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = cannotExamine(p.path, err)
	case !p.open && info.Mode().IsRegular() && !isUsers(info):
		err = notYours(p.path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// An Output is a file that a person named for an answer. What was there is replaced
// when the answer is whole, by [Output.Commit], or else stays as it was. A device, a
// pipe or a terminal is written to as it is.
type Output struct {
	*os.File
	path string // where the answer shall be; empty for what is written to as it is
}

// CreateOutput opens the file path for an answer. A regular file that is there must
// be the user's own, and keeps its mode; a new one has the mode that the umask leaves
// of perm.
func CreateOutput(path string, perm fs.FileMode) (*Output, error) {
	p, err := followOutput(path)
	if err != nil {
		return nil, err
	}
	if p.open || p.info != nil && notFile(p.info) != "" {
		f, err := openExisting(p, 0)
		if err != nil {
			return nil, err
		}
		return &Output{File: f}, nil
	}
	if p.info != nil {
		if err := checkWritable(p); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(beside(p.path, tempSuffix+rand.Text()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return nil, cannotWrite(p.path, err)
	}
	o := &Output{f, p.path}
	if p.info != nil {
		if err := f.Chmod(p.info.Mode().Perm()); err != nil {
			o.Abort()
			return nil, cannotWrite(p.path, err)
		}
	}
	return o, nil
}

// IsFile tells whether the answer is a file, which gets its name by [Output.Commit].
func (o *Output) IsFile() bool { return o.path != "" }

// ReopenOutput goes on with an answer for the file path that was closed instead of
// committed or aborted; part was its Name. What is written is added to it.
func ReopenOutput(path, part string) (*Output, error) {
	p, err := followRegular(path)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(part, beside(p.path, tempSuffix)) {
		return nil, &fault.Error{Subject: part, Kind: fault.NotFound}
	}
	f, err := openExisting(place{path: part}, os.O_APPEND)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, &fault.Error{Subject: part, Kind: fault.NotFound, Err: err}
	}
	return &Output{f, p.path}, nil
}

// Commit ends the answer and gives it its name.
func (o *Output) Commit() error {
	err := o.Close()
	if o.path == "" {
		return err
	}
	if err == nil {
		err = rename(o.Name(), o.path)
	}
	if err != nil {
		os.Remove(o.Name())
		return cannotWrite(o.path, err)
	}
	return nil
}

// Abort forgets the answer.
func (o *Output) Abort() {
	o.Close()
	if o.path != "" {
		os.Remove(o.Name())
	}
}
