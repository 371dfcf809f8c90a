//go:build unix

package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// What a system says when there is no room or no permission.
const (
	errNoSpace    = syscall.ENOSPC
	errQuota      = syscall.EDQUOT
	errReadOnlyFS = syscall.EROFS
)

// lockFlags open a lock file, which must not be a link and may not block.
const lockFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// createPrivate makes a file that did not exist and has mode 0600 from the
// start. A umask can only take permissions away, which Chmod gives back.
func createPrivate(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(0o600); err != nil {
		f.Close()
		os.Remove(path)
		return nil, err
	}
	return f, nil
}

// mkdirPrivate makes a directory with mode 0700 whatever the umask.
func mkdirPrivate(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}

func rename(from, to string) error { return os.Rename(from, to) }

// syncDir has the names in dir written to the disk. Some file systems cannot and
// say so; their names are written some other way.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}

// checkDir refuses a directory of another user, root excepted, and one in which
// others could put files in the place of the store's. One of our own that is too
// open is closed, where that is ours to decide.
func checkDir(dir string, info fs.FileInfo, own bool) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return insecure(dir, "its owner cannot be found out", "choose another place for the tokens")
	}
	uid := os.Geteuid()
	if int(st.Uid) != uid && st.Uid != 0 {
		return otherOwner(dir, int(st.Uid), uid)
	}
	mode := info.Mode()
	if mode.Perm()&0o077 == 0 {
		return nil
	}
	if own && int(st.Uid) == uid && os.Chmod(dir, mode&^0o077) == nil {
		return nil
	}
	// In a sticky directory such as /tmp nobody can rename what is another's.
	if mode.Perm()&0o022 != 0 && mode&fs.ModeSticky == 0 {
		return insecure(dir, fmt.Sprintf("mode %04o: others can put files there", mode.Perm()), "run chmod 700 "+quote(dir))
	}
	return nil
}

func makeWritable(path string) string { return "chmod 600 " + quote(path) }

// quoted writes a word for a POSIX shell.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
