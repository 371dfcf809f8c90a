package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/profile"
)

// homeHint says what to do where err is that the directory of the configuration cannot
// be used, since it is not the user's: HOME is somebody else's or nobody's, or root
// made the directory, as sudo does. Otherwise it is empty.
func homeHint(err error) string {
	if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fault.ReadOnly) || os.Getenv(profile.EnvConfigDir) != "" {
		return ""
	}
	dir, derr := profile.Dir()
	if derr != nil || !strings.Contains(err.Error(), dir) {
		return ""
	}
	home := filepath.Clean(os.Getenv("HOME"))
	if owner, ok := ownerOf(home); os.Getenv("HOME") != "" && (!ok || owner != os.Geteuid()) {
		return fmt.Sprintf("HOME is %s, which is not your directory: set HOME, or %s, to one that is", home, profile.EnvConfigDir)
	}
	// The topmost one of another user is the one to take over.
	var foreign string
	for d := dir; len(d) > len(home) && d != filepath.Dir(d); d = filepath.Dir(d) {
		if owner, ok := ownerOf(d); ok && owner != os.Geteuid() {
			foreign = d
		}
	}
	if foreign == "" {
		return ""
	}
	return fmt.Sprintf("sudo chown -R %d %s makes it yours again; it was made by another user, as sudo tokentoss does", os.Geteuid(), shellWord(foreign))
}
