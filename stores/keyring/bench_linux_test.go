package keyring_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

// BenchmarkLoad loads 4 KB: with the keyring each time, as a process does that
// loads once, and without.
func BenchmarkLoad(b *testing.B) {
	if !strings.HasPrefix(os.Getenv(childEnv), "session") {
		b.Skipf("run it under dbus-run-session, with %s=session", childEnv)
	}
	dir := b.TempDir()
	warm := open(b, dir)
	save(b, warm, "default", "", strings.Repeat("0123456789abcdef", 256))
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			load(b, open(b, dir))
		}
	})
	b.Run("next", func(b *testing.B) {
		for b.Loop() {
			load(b, warm)
		}
	})
}

func load(b *testing.B, s core.TokenStore) {
	if _, err := s.Load(context.Background(), "default"); err != nil {
		b.Fatal(err)
	}
}
