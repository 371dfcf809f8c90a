package privatefile

import (
	"fmt"
	"io/fs"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/tokentoss/tokentoss/core/fault"
)

func currentUser() (*windows.SID, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, fmt.Errorf("finding out the user: %w", err)
	}
	return user.User.Sid, nil
}

// trustedInstaller owns the directories of Windows.
const trustedInstaller = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"

// isRoot tells whether sid has power over everything anyway: administrators, whose
// programs make files that belong to their group, and the system.
func isRoot(sid *windows.SID) bool {
	return sid.IsWellKnown(windows.WinBuiltinAdministratorsSid) || sid.IsWellKnown(windows.WinLocalSystemSid) ||
		sid.IsWellKnown(windows.WinAccountDomainAdminsSid) || sid.String() == trustedInstaller
}

// checkOwner refuses what belongs neither to the user nor to administrators.
func checkOwner(path string, _ fs.FileInfo) error {
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return cannotExamine(path, err)
	}
	return ownerIn(path, sd)
}

func ownerIn(path string, sd *windows.SECURITY_DESCRIPTOR) error {
	owner, _, err := sd.Owner()
	if err != nil {
		return cannotExamine(path, err)
	}
	user, err := currentUser()
	if err != nil {
		return err
	}
	if owner.Equals(user) || isRoot(owner) {
		return nil
	}
	return insecure(path, fmt.Sprintf("it belongs to %s, and you are %s", owner, user), fault.Run.On("takeown /f "+quote(path)))
}

// Rights with which somebody can change a file, or exchange what is in a directory.
const (
	genericRights = windows.WRITE_DAC | windows.WRITE_OWNER | windows.DELETE | windows.GENERIC_ALL
	fileRights    = genericRights | windows.GENERIC_WRITE | windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA
	dirRights     = genericRights | 0x40 // FILE_DELETE_CHILD
)

// checkUnwritable refuses what the access list lets others write. Making new files
// in a directory exchanges none, as with the sticky bit elsewhere.
func checkUnwritable(path string, info fs.FileInfo, _ bool) error {
	rights := windows.ACCESS_MASK(fileRights)
	if info.IsDir() {
		rights = dirRights
	}
	writer, err := otherWith(path, rights)
	if err != nil || writer == nil {
		return err
	}
	return insecure(path, fmt.Sprintf("%s can write it", writer), fault.Run.On(fmt.Sprintf("icacls %s /remove:g *%s", quote(path), writer)))
}

// otherWith returns somebody else than the user and administrators who has one of the
// rights to path, or nil.
func otherWith(path string, rights windows.ACCESS_MASK) (*windows.SID, error) {
	user, err := currentUser()
	if err != nil {
		return nil, err
	}
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return nil, cannotExamine(path, err)
	}
	list, _, err := sd.DACL()
	if err != nil {
		return nil, cannotExamine(path, err)
	}
	if list == nil { // everybody may do everything
		return windows.CreateWellKnownSid(windows.WinWorldSid)
	}
	for i := range uint32(list.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &ace); err != nil {
			return nil, cannotExamine(path, err)
		}
		if ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || ace.Header.AceFlags&windows.INHERIT_ONLY_ACE != 0 || ace.Mask&rights == 0 {
			continue
		}
		sid := sidOf(ace)
		if !sid.Equals(user) && !isRoot(sid) && !sid.IsWellKnown(windows.WinCreatorOwnerRightsSid) {
			return sid.Copy()
		}
	}
	return nil, nil
}

// exposed tells why the secret in a file that is given is not one.
func exposed(p place) error {
	if p.link || p.info.Mode().Perm()&0o200 == 0 {
		return nil
	}
	reader, err := otherWith(p.path, windows.GENERIC_READ|windows.GENERIC_ALL|windows.FILE_READ_DATA)
	if err != nil || reader == nil {
		return err
	}
	return insecure(p.path, fmt.Sprintf("%s can read it", reader),
		fault.Run.On(fmt.Sprintf("icacls %s /inheritance:d /remove:g *%s", quote(p.path), reader)))
}

// isUsers tells whether a file may be the user's own.
func isUsers(info fs.FileInfo) bool { return true }

// mayWrite tells whether the user may have the permission to write path.
func mayWrite(string) bool { return true }

// isLink tells whether info is of a symbolic link or a junction.
func isLink(info fs.FileInfo) bool { return info.Mode()&(fs.ModeSymlink|fs.ModeIrregular) != 0 }

// sidOf returns whose an entry of an access list is.
func sidOf(ace *windows.ACCESS_ALLOWED_ACE) *windows.SID {
	return (*windows.SID)(unsafe.Pointer(&ace.SidStart))
}
