//go:build unix

package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/tokentoss/tokentoss/core"
)

// readDocument reads the file path if it is a document that only the user can
// have written and read, and tells whether it may be replaced.
//
// All checks are of the file that is open, so that nothing can be exchanged
// between a check and the reading. Opening does not follow a link and does not
// wait for the writer of a FIFO.
func readDocument(path string) (data []byte, writable bool, err error) {
	fd, err := openDocument(path)
	if err != nil {
		return nil, false, whyNotOpen(path, err)
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	for {
		if err = syscall.Fstat(fd, &st); err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		return nil, false, &Error{Path: path, Problem: "cannot be examined", Cause: err}
	}
	if err := checkDocument(path, &st); err != nil {
		return nil, false, err
	}
	data = make([]byte, st.Size)
	n, err := readFull(fd, data)
	switch {
	case err != nil:
		return nil, false, &Error{Path: path, Problem: "cannot be read", Cause: err}
	case n < len(data):
		return nil, false, &Error{Path: path, Kind: core.ErrCorrupt, Problem: "it was cut short while it was read"}
	}
	return data, st.Mode&0o200 != 0, nil
}

// openDocument is without [os.File], which costs as much as the reading.
func openDocument(path string) (int, error) {
	const flags = syscall.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_CLOEXEC
	for {
		fd, err := syscall.Open(path, flags, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

// readFull fills p, or what the file has of it.
func readFull(fd int, p []byte) (n int, err error) {
	for n < len(p) {
		m, err := syscall.Read(fd, p[n:])
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return n, err
		case m == 0:
			return n, nil
		}
		n += m
	}
	return n, nil
}

// checkDocument refuses what is not a file, and what others could have read or
// written. The number of names is 0 for a file that was just replaced.
func checkDocument(path string, st *syscall.Stat_t) error {
	if kind := kindOf(uint32(st.Mode)); kind != "" {
		return otherKind(path, kind)
	}
	if uid := os.Geteuid(); int(st.Uid) != uid {
		return otherOwner(path, int(st.Uid), uid)
	}
	if mode := uint32(st.Mode) & 0o777; mode&0o077 != 0 {
		return insecure(path, fmt.Sprintf("mode %04o: others can %s it", mode, access(mode)), "run chmod 600 "+quote(path))
	}
	if st.Nlink > 1 {
		return insecure(path, fmt.Sprintf("it has %d names (hard links), and others may use another one", st.Nlink),
			"run rm "+quote(path)+" and sign in again")
	}
	return checkFileSize(path, st.Size)
}

// access is what a mode allows to others.
func access(mode uint32) string {
	switch {
	case mode&0o066 == 0o066, mode&0o060 == 0o060, mode&0o006 == 0o006:
		return "read and write"
	case mode&0o022 != 0:
		return "write"
	case mode&0o044 != 0:
		return "read"
	}
	return "execute"
}

// kindOf names what is not a file.
func kindOf(mode uint32) string {
	switch mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		return ""
	case syscall.S_IFDIR:
		return "a directory"
	case syscall.S_IFIFO:
		return "a named pipe"
	case syscall.S_IFSOCK:
		return "a socket"
	}
	return "a device"
}

func otherOwner(path string, owner, user int) error {
	return insecure(path, fmt.Sprintf("it belongs to user %d, and you are user %d", owner, user),
		fmt.Sprintf("run as user %d, or run sudo chown %d %s", owner, user, quote(path)))
}

// whyNotOpen tells why path could not be opened. Systems differ in how they
// refuse a link, so that it is looked at again; nothing is decided by that but
// the wording.
func whyNotOpen(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return notFound(path)
	}
	var st syscall.Stat_t
	if statErr := syscall.Lstat(path, &st); statErr != nil {
		return &Error{Path: path, Problem: "cannot be opened", Cause: err}
	}
	mode, uid := uint32(st.Mode), os.Geteuid()
	switch {
	case mode&syscall.S_IFMT == syscall.S_IFLNK:
		return insecure(path, "it is a symbolic link", "run rm "+quote(path)+" and sign in again")
	case kindOf(mode) != "":
		return otherKind(path, kindOf(mode))
	case !errors.Is(err, fs.ErrPermission):
		return &Error{Path: path, Problem: "cannot be opened", Cause: err}
	case int(st.Uid) != uid:
		return otherOwner(path, int(st.Uid), uid)
	}
	return insecure(path, fmt.Sprintf("mode %04o: you cannot read it", mode&0o777), "run chmod 600 "+quote(path))
}
