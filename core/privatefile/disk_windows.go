package privatefile

import (
	cryptorand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/tokentoss/tokentoss/core/fault"
)

// What the system says when there is no room.
const (
	errNoSpace = syscall.Errno(windows.ERROR_DISK_FULL)
	errQuota   = syscall.Errno(windows.ERROR_DISK_QUOTA_EXCEEDED)
)

// noFollow and noWait have nothing to add here.
const (
	noFollow = 0
	noWait   = 0
)

// read is Read. All checks are of the file that is open. Others are kept out by the
// access list that the file got from Replace or, if another program made it, from
// the directory of the user's profile.
func read(path string) (data []byte, writable bool, err error) {
	h, err := openHandle(path)
	if err != nil {
		return nil, false, cannotOpen(path, err)
	}
	f := os.NewFile(uintptr(h), path)
	defer f.Close()
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &info); err != nil {
		return nil, false, cannotExamine(path, err)
	}
	if err := checkOurs(path, h, &info); err != nil {
		return nil, false, err
	}
	data = make([]byte, fileSize(&info))
	switch _, err := io.ReadFull(f, data); {
	case errors.Is(err, io.EOF) && len(data) > 0, errors.Is(err, io.ErrUnexpectedEOF):
		return nil, false, cutShort(path)
	case err != nil && !errors.Is(err, io.EOF):
		return nil, false, cannotRead(path, err)
	}
	return data, info.FileAttributes&windows.FILE_ATTRIBUTE_READONLY == 0, nil
}

// openHandle opens path itself, also if it is a link or a directory, and lets
// others rename and remove it meanwhile, so that a reader does not hinder a writer.
func openHandle(path string) (windows.Handle, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return windows.InvalidHandle, err
	}
	h := windows.InvalidHandle
	err = retry(func() error {
		h, err = windows.CreateFile(name, windows.GENERIC_READ,
			windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil, windows.OPEN_EXISTING,
			windows.FILE_FLAG_OPEN_REPARSE_POINT|windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
		return err
	}, windows.ERROR_SHARING_VIOLATION)
	return h, err
}

// openRead is openHandle as a file.
func openRead(path string) (*os.File, error) {
	h, err := openHandle(path)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), path), nil
}

func whyNotOpen(path string, err error) error { return cannotOpen(path, err) }

func checkOurs(path string, h windows.Handle, info *windows.ByHandleFileInformation) error {
	if kind, err := windows.GetFileType(h); err != nil || kind != windows.FILE_TYPE_DISK {
		return notRegular(path, aDevice, fault.MoveAway.On(path))
	}
	switch {
	case info.FileAttributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0:
		return insecure(path, "it is a symbolic link (reparse point)", fault.MoveAway.On(path))
	case info.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0:
		return notRegular(path, "a directory", fault.MoveAway.On(path))
	}
	sd, err := windows.GetSecurityInfo(h, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return cannotExamine(path, err)
	}
	if err := ownerIn(path, sd); err != nil {
		return err
	}
	if info.NumberOfLinks > 1 {
		return insecure(path, fmt.Sprintf("it has %d names (hard links), and others may use another one", info.NumberOfLinks), fault.MoveAway.On(path))
	}
	if size := fileSize(info); size > MaxSize {
		return tooLarge(path, size)
	}
	return nil
}

func fileSize(info *windows.ByHandleFileInformation) int64 {
	return int64(info.FileSizeHigh)<<32 | int64(info.FileSizeLow)
}

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

// rename replaces to, also while others read it. File systems that cannot do that, such
// as FAT and those of old servers, refuse it as long as somebody has it open; virus
// scanners and indexers do for a moment wherever they are.
func rename(from, to string) error {
	return retry(func() error {
		err := renamePOSIX(from, to)
		if isUnknown(err) {
			err = os.Rename(from, to)
		}
		return err
	}, windows.ERROR_SHARING_VIOLATION, windows.ERROR_ACCESS_DENIED)
}

// remove takes the name away from a file at once. Removed under its own name it would keep
// that as long as somebody reads it, wherever there are no POSIX semantics: nobody could
// make a new one until then.
func remove(path string) error {
	gone := beside(path, tempSuffix+cryptorand.Text())
	if err := rename(path, gone); err != nil {
		return err
	}
	_ = os.Remove(gone) // or the next writer does
	return nil
}

// renamePOSIX takes the name to, in the same directory, away from a file that is open and
// stays so for its readers. NTFS does that since Windows 10 1607.
func renamePOSIX(from, to string) error {
	if filepath.Dir(from) != filepath.Dir(to) {
		return windows.ERROR_NOT_SUPPORTED
	}
	name, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	target, err := windows.UTF16FromString(filepath.Base(to))
	if err != nil {
		return err
	}
	h, err := windows.CreateFile(name, windows.DELETE|windows.SYNCHRONIZE,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil, windows.OPEN_EXISTING,
		windows.FILE_FLAG_OPEN_REPARSE_POINT|windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	defer windows.CloseHandle(h)
	// FILE_RENAME_INFORMATION: flags, no directory, the name's length in bytes, the name.
	info := make([]byte, renameHeader+2*len(target))
	binary.LittleEndian.PutUint32(info, windows.FILE_RENAME_REPLACE_IF_EXISTS|windows.FILE_RENAME_POSIX_SEMANTICS)
	binary.LittleEndian.PutUint32(info[renameHeader-4:], uint32(2*(len(target)-1)))
	for i, unit := range target {
		binary.LittleEndian.PutUint16(info[renameHeader+2*i:], unit)
	}
	err = windows.NtSetInformationFile(h, &windows.IO_STATUS_BLOCK{}, &info[0], uint32(len(info)), fileRenameInformationEx)
	if status, ok := err.(windows.NTStatus); ok && status != windows.STATUS_SUCCESS {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: status.Errno()}
	}
	return err
}

const fileRenameInformationEx = 65 // of the enumeration FILE_INFORMATION_CLASS

// renameHeader is the size of FILE_RENAME_INFORMATION up to the name: a handle stands
// between two numbers of four bytes, the first of which is filled up to its size.
const renameHeader = int(2*unsafe.Sizeof(windows.Handle(0)) + 4)

// isUnknown tells whether the system or the file system does not know a request.
func isUnknown(err error) bool {
	return slices.ContainsFunc([]error{windows.ERROR_INVALID_PARAMETER, windows.ERROR_INVALID_FUNCTION, windows.ERROR_NOT_SUPPORTED,
		windows.ERROR_CALL_NOT_IMPLEMENTED}, func(unknown error) bool { return errors.Is(err, unknown) })
}

// retry calls f until it returns something else than one of the errors, for at most two
// seconds. The pauses differ, so that two who are in each other's way are not for long.
func retry(f func() error, passing ...syscall.Errno) error {
	const most, longest = 2 * time.Second, 20 * time.Millisecond
	end := time.Now().Add(most)
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, longest) {
		err := f()
		if err == nil || time.Now().After(end) || !slices.ContainsFunc(passing, func(p syscall.Errno) bool { return errors.Is(err, p) }) {
			return err
		}
		time.Sleep(pause/2 + rand.N(pause))
	}
}

// syncDir does nothing: NTFS keeps a journal of names, and has no such call.
func syncDir(string) error { return nil }

// checkDir refuses a directory of another user. Its list is left as it is: that
// of a profile keeps others out, and files have one of their own.
func checkDir(dir string, info fs.FileInfo, _ bool) error { return checkOwner(dir, info) }

func makeWritable(path string) string { return "attrib -r " + quote(path) }

// quoted writes a word for cmd.exe and PowerShell.
func quoted(word string) string { return `"` + word + `"` }

// maxRuntimeDir does not bind here: sockets are named pipes, and loopback addresses.
const maxRuntimeDir = windows.MAX_LONG_PATH

func runtimeDirs() []string { return nil }

// checkRuntimeDir refuses a directory of another user, and one that others can change.
func checkRuntimeDir(dir string, info fs.FileInfo) error {
	if err := checkOwner(dir, info); err != nil {
		return err
	}
	return checkUnwritable(dir, info, false)
}

// homeVariable names the variable that [os.UserHomeDir] reads.
const homeVariable = "USERPROFILE"

// checkPrivate refuses what is another user's.
func checkPrivate(path string, info fs.FileInfo) error { return checkOwner(path, info) }
