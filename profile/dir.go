package profile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Environment variables that this package reads. Empty means unset.
const (
	EnvConfigDir        = "TOKENTOSS_CONFIG_DIR"        // the directory
	EnvProfile          = "TOKENTOSS_PROFILE"           // the name
	EnvStore            = "TOKENTOSS_STORE"             // overrides the setting
	EnvTokenFile        = "TOKENTOSS_TOKEN_FILE"        // the file store's one document
	EnvAgentIdle        = "TOKENTOSS_AGENT_IDLE"        // overrides the setting
	EnvInsecureLoopback = "TOKENTOSS_INSECURE_LOOPBACK" // "1" allows an emulator's provider
)

// Dir returns the configuration directory: $TOKENTOSS_CONFIG_DIR, or tokentoss
// in the platform's directory for configuration ([os.UserConfigDir]). It does
// not create it. Nothing is ever put into the working directory instead.
func Dir() (string, error) {
	if dir := os.Getenv(EnvConfigDir); dir != "" {
		if !filepath.IsAbs(dir) {
			return "", fmt.Errorf("%s is %q, which is not an absolute path", EnvConfigDir, dir)
		}
		return filepath.Clean(dir), nil
	}
	base, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no place for the configuration: %w; set HOME, or %s", err, EnvConfigDir)
	}
	if !filepath.IsAbs(base) {
		return "", errors.New("no place for the configuration: HOME or XDG_CONFIG_HOME is not an absolute path; set " + EnvConfigDir)
	}
	return filepath.Join(base, "tokentoss"), nil
}
