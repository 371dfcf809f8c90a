//go:build unix

package privatefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tokentoss/tokentoss/core/fault"
)

// What a system says when there is no room.
const (
	errNoSpace = syscall.ENOSPC
	errQuota   = syscall.EDQUOT
)

// openFlags open what must be no link, without waiting for the other end of a
// named pipe.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_CLOEXEC

// noFollow and noWait are openFlags, each by itself.
const (
	noFollow = syscall.O_NOFOLLOW
	noWait   = syscall.O_NONBLOCK
)

// read is Read. All checks are of the file that is open.
func read(path string) (data []byte, writable bool, err error) {
	fd, err := openFD(path)
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
		return nil, false, cannotExamine(path, err)
	}
	if err := checkOurs(path, &st); err != nil {
		return nil, false, err
	}
	data = make([]byte, st.Size)
	n, err := readFull(fd, data)
	switch {
	case err != nil:
		return nil, false, cannotRead(path, err)
	case n < len(data):
		return nil, false, cutShort(path)
	}
	return data, st.Mode&0o200 != 0, nil
}

// openFD is without [os.File], which costs as much as the reading.
func openFD(path string) (int, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|openFlags, 0)
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

// checkOurs refuses what is not a file, and what others could have read or
// written. The number of names is 0 for a file that was just replaced.
func checkOurs(path string, st *syscall.Stat_t) error {
	if kind := kindOf(typeOf(st)); kind != "" {
		return notRegular(path, kind, fault.MoveAway.On(path))
	}
	if int(st.Uid) != os.Geteuid() {
		return otherOwner(path, int(st.Uid))
	}
	if mode := uint32(st.Mode) & 0o777; mode&0o077 != 0 {
		return insecure(path, fmt.Sprintf("mode %04o: others can %s it", mode, access(mode)), fault.Run.On("chmod 600 "+quote(path)))
	}
	if st.Nlink > 1 {
		return insecure(path, fmt.Sprintf("it has %d names (hard links), and others may use another one", st.Nlink), fault.MoveAway.On(path))
	}
	if st.Size > MaxSize {
		return tooLarge(path, st.Size)
	}
	return nil
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

// typeOf is the type of a file, as [fs.FileMode.Type] has it.
func typeOf(st *syscall.Stat_t) fs.FileMode {
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		return 0
	case syscall.S_IFDIR:
		return fs.ModeDir
	case syscall.S_IFIFO:
		return fs.ModeNamedPipe
	case syscall.S_IFSOCK:
		return fs.ModeSocket
	case syscall.S_IFLNK:
		return fs.ModeSymlink
	}
	return fs.ModeDevice
}

func otherOwner(path string, owner int) error {
	uid := os.Geteuid()
	return insecure(path, fmt.Sprintf("it belongs to user %d, and you are user %d", owner, uid),
		fault.Run.On(fmt.Sprintf("sudo chown %d %s", uid, quote(path))))
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
		return cannotOpen(path, err)
	}
	mode := typeOf(&st)
	switch {
	case mode == fs.ModeSymlink:
		return insecure(path, "it is a symbolic link", fault.MoveAway.On(path))
	case kindOf(mode) != "":
		return notRegular(path, kindOf(mode), fault.MoveAway.On(path))
	case !errors.Is(err, fs.ErrPermission):
		return cannotOpen(path, err)
	case int(st.Uid) != os.Geteuid():
		return otherOwner(path, int(st.Uid))
	}
	return insecure(path, fmt.Sprintf("mode %04o: you cannot read it", st.Mode&0o777), fault.Run.On("chmod 600 "+quote(path)))
}

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

// remove takes the name away from a file, which stays for who has it open.
func remove(path string) error { return os.Remove(path) }

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
// others could put files in the place of the user's. One of our own that is too
// open is closed, where that is ours to decide.
func checkDir(dir string, info fs.FileInfo, own bool) error {
	if err := checkOwner(dir, info); err != nil {
		return err
	}
	mode := info.Mode()
	if mode.Perm()&0o077 == 0 {
		return nil
	}
	// A person may have named a directory that has more than this: /tmp, their home.
	if own && filepath.Base(dir) == dirName && isUsers(info) && os.Chmod(dir, mode&^0o077) == nil {
		return nil
	}
	return checkUnwritable(dir, info, true)
}

func makeWritable(path string) string { return "chmod u+w " + quote(path) }

// quoted writes a word for a POSIX shell.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

const maxRuntimeDir = MaxRuntimeDir

// runtimeDirs are the places for a runtime directory. The last is a directory for
// temporary files that has a short name.
func runtimeDirs() []string {
	own := fmt.Sprintf("tokentoss-%d", os.Getuid())
	return []string{filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), dirName), filepath.Join(os.TempDir(), own), filepath.Join("/tmp", own)}
}

// checkRuntimeDir refuses a directory of another user, also of root, one in which others
// may have put something, and one that others could put another in the place of. One that
// they could only look into is closed.
func checkRuntimeDir(dir string, info fs.FileInfo) error {
	if !isUsers(info) {
		return otherOwner(dir, ownerOf(info))
	}
	above, err := os.Stat(filepath.Dir(dir))
	if err != nil {
		return cannotExamine(filepath.Dir(dir), err)
	}
	if err := checkUnwritable(filepath.Dir(dir), above, true); err != nil {
		return err
	}
	if err := checkUnwritable(dir, info, false); err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return cannotWrite(dir, err)
		}
	}
	return nil
}

// homeVariable names the variable that [os.UserHomeDir] reads.
const homeVariable = "HOME"

// checkPrivate refuses what is another user's, also root's, and what others have access to.
func checkPrivate(path string, info fs.FileInfo) error {
	if !isUsers(info) {
		return otherOwner(path, ownerOf(info))
	}
	if mode := uint32(info.Mode().Perm()); mode&0o077 != 0 {
		return insecure(path, fmt.Sprintf("mode %04o: others can %s it", mode, access(mode)), fault.Run.On("chmod go-rwx "+quote(path)))
	}
	return nil
}
