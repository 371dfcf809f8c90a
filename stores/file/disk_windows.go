package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// What the system says when there is no room or the medium is write-protected.
const (
	errNoSpace    = syscall.Errno(windows.ERROR_DISK_FULL)
	errQuota      = syscall.Errno(windows.ERROR_DISK_QUOTA_EXCEEDED)
	errReadOnlyFS = syscall.Errno(windows.ERROR_WRITE_PROTECT)
)

// lockFlags has nothing to add here.
const lockFlags = 0

// private describes what the user alone may use, whatever the directory would
// pass on. inherit is for a directory: what is made in it is private too.
func private(inherit bool) (*windows.SecurityAttributes, error) {
	user, err := currentUser()
	if err != nil {
		return nil, err
	}
	flags := ""
	if inherit {
		flags = "OICI"
	}
	sd, err := windows.SecurityDescriptorFromString(fmt.Sprintf("O:%sD:P(A;%s;FA;;;%s)", user, flags, user))
	if err != nil {
		return nil, err
	}
	return &windows.SecurityAttributes{Length: uint32(unsafe.Sizeof(windows.SecurityAttributes{})), SecurityDescriptor: sd}, nil
}

// createPrivate makes a file that did not exist, for the user alone.
func createPrivate(path string) (*os.File, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	sa, err := private(false)
	if err != nil {
		return nil, err
	}
	h, err := windows.CreateFile(name, windows.GENERIC_WRITE, windows.FILE_SHARE_READ|windows.FILE_SHARE_DELETE, sa,
		windows.CREATE_NEW, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "create", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

// mkdirPrivate makes a directory for the user alone.
func mkdirPrivate(dir string) error {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return err
	}
	sa, err := private(true)
	if err != nil {
		return err
	}
	if err := windows.CreateDirectory(name, sa); err != nil {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: err}
	}
	return nil
}

// rename replaces to. Virus scanners and indexers open new files for a moment
// and are in the way meanwhile.
func rename(from, to string) error {
	return retry(func() error { return os.Rename(from, to) },
		windows.ERROR_SHARING_VIOLATION, windows.ERROR_ACCESS_DENIED)
}

// retry calls f until it returns something else than one of the errors, for
// about half a second.
func retry(f func() error, passing ...syscall.Errno) error {
	const most, pause = 25, 20 * time.Millisecond
	for i := 1; ; i++ {
		err := f()
		if err == nil || i == most || !slices.ContainsFunc(passing, func(p syscall.Errno) bool { return errors.Is(err, p) }) {
			return err
		}
		time.Sleep(pause)
	}
}

// syncDir does nothing: NTFS keeps a journal of names, and has no such call.
func syncDir(string) error { return nil }

// checkDir refuses a directory of another user. Its list is left as it is: that
// of a profile keeps others out, and files have one of their own.
func checkDir(dir string, _ fs.FileInfo, _ bool) error {
	sd, err := windows.GetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return &Error{Path: dir, Problem: "its owner cannot be found out", Cause: err}
	}
	return checkOwner(dir, sd)
}

func makeWritable(path string) string { return "attrib -r " + quote(path) }

// quoted writes a word for cmd.exe and PowerShell.
func quoted(word string) string { return `"` + word + `"` }
