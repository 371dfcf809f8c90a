package encrypted_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest/crashtest"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

func TestMain(m *testing.M) {
	crashtest.Child(func(_ context.Context, dir string) (core.TokenStore, error) {
		return encrypted.Open(encrypted.Config{}, dir, nil)
	})
	goleak.VerifyTestMain(m)
}

// A process that is killed at any moment of a refresh leaves the session that was there, or
// the next one, and no lock.
func TestKilledRefresh(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := encrypted.Open(encrypted.Config{}, dir, nil)
	must(t, err)
	crashtest.Kill(t, crashtest.Rounds(t), dir, s)
}

// A power cut leaves the old session or the new one, and never one whose identity is lost.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	crashtest.PowerCut(t, func(t *testing.T, dir string) core.TokenStore {
		s, err := encrypted.Open(encrypted.Config{}, dir, nil)
		must(t, err)
		return s
	})
}
