package encrypted_test

import (
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest/crashtest"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

// On a disk without room, or with a little, a refresh gives its token and leaves the old
// session or the new one.
func TestRefreshOnAFullDisk(t *testing.T) {
	crashtest.FullDisk(t, func(t *testing.T, dir string) core.TokenStore {
		s, err := encrypted.Open(encrypted.Config{}, dir, nil)
		must(t, err)
		return s
	})
}
