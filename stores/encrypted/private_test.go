package encrypted_test

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// wantError checks what an error says, and its hint, if one is given.
func wantError(t testing.TB, err error, says, hint string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", says)
	}
	if !strings.Contains(err.Error(), says) {
		t.Errorf("error is %q, want one that says %q", err, says)
	}
	var own interface{ Hint() string }
	if hint != "" && (!errors.As(err, &own) || !strings.Contains(own.Hint(), hint)) {
		t.Errorf("error %q has not the hint %q", err, hint)
	}
}

func writePrivate(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

