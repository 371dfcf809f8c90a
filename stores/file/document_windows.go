package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/tokentoss/tokentoss/core"
	"golang.org/x/sys/windows"
)

// readDocument reads the file path if it is a document of the user, and tells
// whether it may be replaced. All checks are of the file that is open. Others
// are kept out by the access control list that the file got from the store or,
// if another program made it, from the directory of the user's profile.
func readDocument(path string) (data []byte, writable bool, err error) {
	h, err := openDocument(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, false, notFound(path)
		}
		return nil, false, &Error{Path: path, Problem: "cannot be opened", Cause: err}
	}
	f := os.NewFile(uintptr(h), path)
	defer f.Close()
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(h, &info); err != nil {
		return nil, false, &Error{Path: path, Problem: "cannot be examined", Cause: err}
	}
	if err := checkDocument(path, h, &info); err != nil {
		return nil, false, err
	}
	data = make([]byte, fileSize(&info))
	switch _, err := io.ReadFull(f, data); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, false, &Error{Path: path, Kind: core.ErrCorrupt, Problem: "it was cut short while it was read"}
	case err != nil:
		return nil, false, &Error{Path: path, Problem: "cannot be read", Cause: bare(err)}
	}
	return data, info.FileAttributes&windows.FILE_ATTRIBUTE_READONLY == 0, nil
}

// openDocument opens path itself, also if it is a link or a directory, and lets
// others rename and remove it meanwhile, so that a reader does not hinder Save.
func openDocument(path string) (windows.Handle, error) {
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

func checkDocument(path string, h windows.Handle, info *windows.ByHandleFileInformation) error {
	if kind, err := windows.GetFileType(h); err != nil || kind != windows.FILE_TYPE_DISK {
		return otherKind(path, "a device")
	}
	switch {
	case info.FileAttributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0:
		return insecure(path, "it is a link (reparse point)", "run del "+quote(path)+" and sign in again")
	case info.FileAttributes&windows.FILE_ATTRIBUTE_DIRECTORY != 0:
		return otherKind(path, "a directory")
	}
	sd, err := windows.GetSecurityInfo(h, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return &Error{Path: path, Problem: "its owner cannot be found out", Cause: err}
	}
	if err := checkOwner(path, sd); err != nil {
		return err
	}
	if info.NumberOfLinks > 1 {
		return insecure(path, fmt.Sprintf("it has %d names (hard links), and others may use another one", info.NumberOfLinks),
			"run del "+quote(path)+" and sign in again")
	}
	return checkFileSize(path, fileSize(info))
}

func fileSize(info *windows.ByHandleFileInformation) int64 {
	return int64(info.FileSizeHigh)<<32 | int64(info.FileSizeLow)
}

// checkOwner refuses what belongs neither to the user nor to those who have power
// over everything anyway: administrators, whose programs make files that belong
// to their group, and the system.
func checkOwner(path string, sd *windows.SECURITY_DESCRIPTOR) error {
	owner, _, err := sd.Owner()
	if err != nil {
		return &Error{Path: path, Problem: "its owner cannot be found out", Cause: err}
	}
	user, err := currentUser()
	if err != nil {
		return err
	}
	if owner.Equals(user) || owner.IsWellKnown(windows.WinBuiltinAdministratorsSid) || owner.IsWellKnown(windows.WinLocalSystemSid) {
		return nil
	}
	return insecure(path, fmt.Sprintf("it belongs to %s, and you are %s", owner, user),
		"run takeown /f "+quote(path))
}

func currentUser() (*windows.SID, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, fmt.Errorf("file store: finding out the user: %w", err)
	}
	return user.User.Sid, nil
}
