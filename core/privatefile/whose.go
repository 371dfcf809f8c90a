package privatefile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
)

// OwnerRemedy says what to do where something below the user's directory of
// configuration ([os.UserConfigDir]) cannot be used, since that is another user's: HOME
// is somebody else's or nobody's, or root made the directory, as sudo does. It is zero
// where that is not so.
func OwnerRemedy(path string) fault.Remedy {
	config, err := os.UserConfigDir()
	config = filepath.Clean(config) // of HOME=/ it has two slashes
	if err != nil || path != config && !strings.HasPrefix(path, config+string(filepath.Separator)) {
		return fault.Remedy{}
	}
	at := existing(path)
	if usersOwn(at) || mayWrite(at) {
		return fault.Remedy{}
	}
	variable, own := "HOME", filepath.Clean(os.Getenv("HOME"))
	if xdg := os.Getenv("XDG_CONFIG_HOME"); xdg != "" && filepath.Clean(xdg) == config {
		variable, own = "XDG_CONFIG_HOME", config
	}
	if !usersOwn(own) {
		return fault.SetVariable.To(variable, "a directory of your own, which "+own+" is not")
	}
	foreign := at // the topmost one, since all below it is probably root's as well
	for dir := at; len(dir) > len(own); dir = filepath.Dir(dir) {
		if !usersOwn(dir) {
			foreign = dir
		}
	}
	return fault.Run.On(fmt.Sprintf("sudo chown -R %d %s", os.Geteuid(), quote(foreign)))
}

// existing returns path, or the nearest directory above it that can be seen.
func existing(path string) string {
	for {
		up := filepath.Dir(path)
		if _, err := os.Stat(path); err == nil || up == path {
			return path
		}
		path = up
	}
}

// usersOwn tells whether what is at path is the user's own.
func usersOwn(path string) bool {
	info, err := os.Stat(path)
	return err == nil && isUsers(info)
}
