package profile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
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

// resolve returns the absolute path that a variable or a setting names; see
// [privatefile.Resolve].
func resolve(name, path, base string) (string, error) {
	abs, err := privatefile.Resolve(path, base)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return abs, nil
}

func variableError(name, problem string) error {
	return &core.Error{Subject: name, Kind: fault.BadConfig, Problem: problem, Remedy: fault.SetVariable.To(name, "an absolute path")}
}

// Dir returns the configuration directory: $TOKENTOSS_CONFIG_DIR, or tokentoss
// in the platform's directory for configuration ([os.UserConfigDir]). It does
// not create it. Nothing is ever put into the working directory instead.
func Dir() (string, error) {
	if dir := os.Getenv(EnvConfigDir); dir != "" {
		abs, err := resolve(EnvConfigDir, dir, "")
		if err == nil && !filepath.IsAbs(dir) && !strings.HasPrefix(dir, "~") {
			// It would be another directory wherever a program is started.
			err = variableError(EnvConfigDir, fmt.Sprintf("%q is not an absolute path", dir))
		}
		return abs, err
	}
	base, err := os.UserConfigDir()
	if err != nil {
		return "", &core.Error{
			Subject: "no place for the configuration", Kind: fault.BadConfig, Err: err,
			Remedy: fault.Say("set HOME, or %s", EnvConfigDir),
		}
	}
	if !filepath.IsAbs(base) {
		return "", &core.Error{
			Subject: "no place for the configuration", Kind: fault.BadConfig, Problem: "HOME or XDG_CONFIG_HOME is not an absolute path",
			Remedy: fault.SetVariable.To(EnvConfigDir, "an absolute path"),
		}
	}
	return filepath.Join(base, "tokentoss"), nil
}
