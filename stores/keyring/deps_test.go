package keyring_test

import (
	"runtime/debug"
	"testing"
)

// The library for keyrings asks for a jose2go with CVE-2023-50658 and
// CVE-2025-63811; what is built must not have it.
func TestBuiltWithMendedJose(t *testing.T) {
	t.Parallel()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("the test binary does not say what it is built of")
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/dvsekhvalnov/jose2go" {
			if m.Version != "v1.11.0" {
				t.Errorf("jose2go is %s, want v1.11.0; if it is newer, say so here", m.Version)
			}
			return
		}
	}
	t.Error("jose2go is not part of the build any more; this test and the requirement can go")
}
