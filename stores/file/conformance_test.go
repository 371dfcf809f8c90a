package file_test

import (
	"path/filepath"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest"
	"github.com/tokentoss/tokentoss/stores/file"
)

func TestConformance(t *testing.T) {
	dir := func(s core.TokenStore) string { return filepath.Dir(s.(*file.Store).Path(core.DefaultKey)) }
	storetest.Run(t,
		func(t *testing.T) core.TokenStore { return newStore(t, filepath.Join(t.TempDir(), "tokentoss")) },
		storetest.WithReopen(func(t *testing.T, first core.TokenStore) core.TokenStore {
			return newStore(t, dir(first))
		}))
}

// newStore returns a store over dir.
func newStore(t testing.TB, dir string) *file.Store {
	t.Helper()
	s, err := file.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
