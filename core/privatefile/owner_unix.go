//go:build unix

package privatefile

import (
	"io/fs"
	"os"
	"syscall"

	"github.com/tokentoss/tokentoss/core/fault"
)

// ownerOf returns the user that info's file belongs to, or -1.
func ownerOf(info fs.FileInfo) int {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1
	}
	return int(st.Uid)
}

// isUsers tells whether a file is the user's own.
func isUsers(info fs.FileInfo) bool { return ownerOf(info) == os.Geteuid() }

// checkOwner refuses what belongs to neither the user nor root.
func checkOwner(path string, info fs.FileInfo) error {
	if owner := ownerOf(info); owner != 0 && owner != os.Geteuid() {
		return otherOwner(path, owner)
	}
	return nil
}

// checkUnwritable refuses what others can write. In a directory with the sticky bit,
// such as /tmp, nobody can rename or remove what is another's.
func checkUnwritable(path string, info fs.FileInfo, sticky bool) error {
	mode := info.Mode()
	if mode.Perm()&0o022 == 0 || sticky && mode.IsDir() && mode&fs.ModeSticky != 0 {
		return nil
	}
	problem := modeText(info) + ": others can write to it"
	if isUsers(info) {
		return insecure(path, problem, fault.Run.On("chmod go-w "+quote(path)))
	}
	return insecure(path, problem, fault.Ask.To("an administrator", "to take the permission to write to "+path+" from others"))
}

// exposed tells why the secret in a file that is given is not one: others can read
// it, and the user could have prevented that. What root gives, or a read-only mount,
// is as the platform has it.
func exposed(p place) error {
	if p.info.Mode().Perm()&0o077 == 0 || !isUsers(p.info) || p.info.Mode().Perm()&0o200 == 0 || p.link || readOnlyMount(p.path) {
		return nil
	}
	return insecure(p.path, modeText(p.info)+": others can read it", fault.Run.On("chmod 600 "+quote(p.path)))
}

// mayWrite tells whether the user has the permission to write path.
func mayWrite(path string) bool {
	const write = 2 // W_OK
	return syscall.Access(path, write) == nil
}

// readOnlyMount tells whether not even root can write the file.
func readOnlyMount(path string) bool {
	const write = 2 // W_OK
	return syscall.Access(path, write) == syscall.EROFS
}

// openRead opens a file for reading.
func openRead(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDONLY|openFlags, 0) }

func isLink(info fs.FileInfo) bool { return info.Mode()&fs.ModeSymlink != 0 }
