package encrypted_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

// BenchmarkLoad compares loading 4 KB from the store with loading them from the
// files alone, by kind of key.
func BenchmarkLoad(b *testing.B) {
	doc := strings.Repeat("0123456789abcdef", 256)
	plain := files(b, b.TempDir())
	stores := map[string]core.TokenStore{
		"file":     plain,
		"identity": open(b, encrypted.Config{}, b.TempDir(), nil),
		"ssh":      open(b, encrypted.Config{SSHKey: sshKey(b, "ed25519", false)}, b.TempDir(), nil),
		"ssh_rsa":  open(b, encrypted.Config{SSHKey: sshKey(b, "rsa", false)}, b.TempDir(), nil),
	}
	for _, name := range []string{"file", "identity", "ssh", "ssh_rsa"} {
		s := stores[name]
		save(b, s, "default", "", doc)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Load(context.Background(), "default"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
