//go:build !linux

package host

import "os"

// self returns this executable.
func self() (string, error) { return os.Executable() }
