//go:build !linux

package postgres_test

import "testing"

func mountSmall(t *testing.T, _ string) { t.Skip("only Linux has such disks") }
