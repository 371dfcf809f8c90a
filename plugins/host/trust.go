package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// checkTrusted tells whether nobody but the user and root can have changed the
// executable path, or can change it before it is run. It is what sshd does with
// authorized_keys (sshd(8), StrictModes), from the file up to the root.
func checkTrusted(path string) error {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return &TrustError{Path: path, Problem: "it is not an absolute path in its shortest form", Fix: "install the plugin again"}
	}
	info, err := os.Lstat(path)
	if err != nil {
		return &TrustError{Path: path, Problem: "cannot be examined: " + bare(err).Error(), Fix: "install the plugin again"}
	}
	if err := checkFile(path, info); err != nil {
		return err
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Lstat(dir)
		if err != nil {
			return &TrustError{Path: dir, Problem: "cannot be examined: " + bare(err).Error()}
		}
		if err := checkParent(dir, info, dir == filepath.Dir(path)); err != nil {
			return err
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// checkFile checks the executable itself.
func checkFile(path string, info fs.FileInfo) error {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return &TrustError{Path: path, Problem: "it is a symbolic link", Fix: "install what it points to"}
	case !info.Mode().IsRegular():
		return &TrustError{Path: path, Problem: "it is no file"}
	}
	if err := checkOwner(path, info); err != nil {
		return err
	}
	return checkMode(path, info)
}

// checkParent checks one directory above the executable. In one with the sticky
// bit, such as /tmp, nobody can rename what is another's, but anybody can put
// something beside the executable: that is allowed further up only.
func checkParent(dir string, info fs.FileInfo, direct bool) error {
	if info.Mode()&fs.ModeSymlink != 0 {
		return &TrustError{Path: dir, Problem: "it is a symbolic link", Fix: "install the plugin again"}
	}
	if err := checkOwner(dir, info); err != nil {
		return err
	}
	if info.Mode()&fs.ModeSticky != 0 && !direct {
		return nil
	}
	return checkMode(dir, info)
}

// sum returns the SHA-256 of a file in hexadecimal digits.
func sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, bare(err))
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("%s: %w", path, bare(err))
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// checkSum compares a file with a SHA-256.
func checkSum(path, want string) error {
	got, err := sum(path)
	if err != nil {
		return err
	}
	if got != want {
		return &TrustError{
			Path: path, Problem: fmt.Sprintf("it was changed: its SHA-256 is %s, and %s was installed", got, want),
			Fix: "find out who changed it; then install the plugin again",
		}
	}
	return nil
}

// bare strips the operation and the path of a system error.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
