// Package protect keeps what a process has in memory from the user's other programs:
// refresh tokens, keys and passphrases.
package protect

import (
	"os"
	"runtime"
)

// DebugVariable leaves a plugin open to debuggers when it is set. It is for authors of
// plugins; tokentoss itself does not look at it.
const DebugVariable = "TOKENTOSS_PLUGIN_DEBUG"

// Memory has the system write no core dump of this process and let no other process of
// the user read its memory, its environment or its open files (PR_SET_DUMPABLE in
// prctl(2)). Root can still do so. It does not go on to programs that this one starts:
// their core dumps are their own affair. Where there is no such thing it does nothing.
//
// It is for main packages, and is called before there is a secret in memory.
func Memory() { protectMemory() }

// Plugin is Memory for a plugin, unless its author debugs it. It tells whether the
// plugin was left open, which must be said.
func Plugin() (open bool) {
	if os.Getenv(DebugVariable) != "" {
		return runtime.GOOS == "linux"
	}
	protectMemory()
	return false
}
