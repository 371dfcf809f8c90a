package cli

import (
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// ToolNames are the names by which tools call tokentoss that give a helper no arguments,
// or look for it by a name of their own.
var ToolNames = map[string]string{
	"bazel":     "tokentoss-credential-bazel",
	"docker":    "docker-credential-tokentoss",
	"keyring":   "keyring",
	"pnpm":      "tokentoss-credential-pnpm",
	"terraform": "terraform-credentials-tokentoss",
}

// calledAs returns the command line that is meant where the program was called by one of
// [ToolNames]. A name may end in the profile that is meant: tokentoss-credential-pnpm-work.
func calledAs(args []string) []string {
	if len(args) == 0 {
		return args
	}
	name := filepath.Base(args[0])
	if runtime.GOOS == "windows" {
		name = strings.TrimSuffix(strings.ToLower(name), ".exe")
	}
	for tool, begin := range ToolNames {
		profile, ok := strings.CutPrefix(name, begin)
		if !ok || profile != "" && (profile[0] != '-' || tool == "keyring") {
			continue
		}
		line := []string{"tokentoss"}
		if profile != "" {
			line = append(line, "--profile", profile[1:])
		}
		line = append(line, "credential", tool)
		if tool == "keyring" { // has options of its own
			line = append(line, "--")
		}
		return slices.Concat(line, args[1:])
	}
	return args
}
