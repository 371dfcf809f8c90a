//go:build !unix

package pass

import "os/exec"

// grouped does nothing: pass is a program for Unix.
func grouped(*exec.Cmd) {}

// endGroup does nothing.
func endGroup(*exec.Cmd) {}
