// Package e2e has no code: its tests drive the built executables, on real
// sockets and files, against the emulator.
package e2e
