//go:build !linux

package protect

func protectMemory() {}
