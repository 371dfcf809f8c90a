//go:build !linux

package loopback_test

func role() bool { return false }
