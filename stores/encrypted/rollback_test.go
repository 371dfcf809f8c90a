package encrypted_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

// put replaces the file of key by other contents, as somebody who can write it.
func put(t testing.TB, s core.TokenStore, key string, data []byte) {
	t.Helper()
	path := s.(core.Locator).Path(key)
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path, data, 0o600))
}

func contents(t testing.TB, s core.TokenStore, key string) []byte {
	t.Helper()
	return read(t, s.(core.Locator).Path(key))
}

// The file of one profile is not taken for that of another, nor one of another
// store that has the same key.
func TestSwapped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, encrypted.Config{}, dir, nil)
	save(t, s, "default", "", "private")
	save(t, s, "work", "", "of the company")
	put(t, s, "default", contents(t, s, "work"))
	wantCorrupt(t, s, "default", `swapped: it is of the profile "work"`)

	keys, err := encrypted.Config{}.Keys(dir, nil, nil)
	must(t, err)
	other := encrypted.Wrap(files(t, t.TempDir()), "other", keys)
	save(t, other, "work", "", "of the other store")
	put(t, s, "work", contents(t, other, "work"))
	wantCorrupt(t, s, "work", `swapped: it is of the store "other"`)
}

// A process notices that an older document is in the place of the one that it
// saved or read, whoever saved what was replaced.
func TestRolledBack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(t *testing.T, here, there core.TokenStore) (old []byte){
		"own save": func(t *testing.T, here, _ core.TokenStore) []byte {
			r := save(t, here, "default", "", "one")
			old := contents(t, here, "default")
			save(t, here, "default", r.Revision, "two")
			return old
		},
		"save of another process that was read": func(t *testing.T, here, there core.TokenStore) []byte {
			save(t, here, "default", "", "one")
			old := contents(t, here, "default")
			r := wantDoc(t, there, "default", "one")
			save(t, there, "default", r.Revision, "two")
			wantDoc(t, here, "default", "two")
			return old
		},
		"another process, which had read nothing": func(t *testing.T, here, there core.TokenStore) []byte {
			r := save(t, here, "default", "", "one")
			old := contents(t, here, "default")
			save(t, there, "default", r.Revision, "two")
			wantDoc(t, here, "default", "two")
			return old
		},
		"deleted here": func(t *testing.T, here, _ core.TokenStore) []byte {
			save(t, here, "default", "", "one")
			old := contents(t, here, "default")
			must(t, here.Delete(bounded(t), "default"))
			return old
		},
		"deleted and made anew": func(t *testing.T, here, _ core.TokenStore) []byte {
			save(t, here, "default", "", "one")
			old := contents(t, here, "default")
			must(t, here.Delete(bounded(t), "default"))
			save(t, here, "default", "", "two")
			return old
		},
		"deleted and made anew by another process": func(t *testing.T, here, there core.TokenStore) []byte {
			save(t, here, "default", "", "one")
			old := contents(t, here, "default")
			must(t, there.Delete(bounded(t), "default"))
			save(t, there, "default", "", "two")
			wantDoc(t, here, "default", "two")
			return old
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			here := open(t, encrypted.Config{}, dir, nil)
			old := test(t, here, open(t, encrypted.Config{}, dir, nil))
			put(t, here, "default", old)
			wantCorrupt(t, here, "default", "rolled back")
			wantDoc(t, open(t, encrypted.Config{}, dir, nil), "default", "one") // who starts knows nothing
		})
	}
}

// Nothing that programs do by themselves looks like a rollback.
func TestNoFalseRollback(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here, there := open(t, encrypted.Config{}, dir, nil), open(t, encrypted.Config{}, dir, nil)
	r := save(t, here, "default", "", "one")
	for i := range 3 {
		r = save(t, here, "default", r.Revision, fmt.Sprint("here ", i))
	}
	wantDoc(t, there, "default", "here 2")
	must(t, there.Delete(bounded(t), "default")) // generation 1 again
	save(t, there, "default", "", "anew")
	r = wantDoc(t, here, "default", "anew")
	save(t, there, "default", r.Revision, "there")
	if _, err := here.Save(bounded(t), "default", core.Record{Data: []byte("late"), Revision: r.Revision}); !errors.Is(err, core.ErrConflict) {
		t.Errorf("Save from an old revision: error is %v, want core.ErrConflict", err)
	}
	same := contents(t, here, "default")
	wantDoc(t, here, "default", "there")
	where, err := here.(core.Quarantiner).Quarantine(bounded(t), "default")
	must(t, err)
	must(t, os.Rename(where, here.(core.Locator).Path("default"))) // it was needed after all
	wantDoc(t, here, "default", "there")
	put(t, here, "default", same) // restored from a backup of now
	wantDoc(t, here, "default", "there")
}

// Goroutines and processes that load, save and delete the same document at the
// same time see no rollback.
func TestNoFalseRollbackInRaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, encrypted.CreateIdentity(bounded(t), filepath.Join(dir, "identity.age"), ""))
	stores := []core.TokenStore{open(t, encrypted.Config{}, dir, nil), open(t, encrypted.Config{}, dir, nil)}
	ctx := bounded(t)
	var wg sync.WaitGroup
	for worker := range 8 {
		s := stores[worker%2]
		wg.Go(func() {
			for i := range 60 {
				if err := step(ctx, s, worker, i); err != nil {
					t.Errorf("worker %d, step %d: %v", worker, i, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// step loads, and then saves or deletes.
func step(ctx context.Context, s core.TokenStore, worker, i int) error {
	r, err := s.Load(ctx, "default")
	if err != nil && !errors.Is(err, core.ErrNotFound) {
		return err
	}
	if worker < 2 && i%5 == 0 {
		return s.Delete(ctx, "default")
	}
	r.Data = fmt.Appendf(nil, "%d %d", worker, i)
	if _, err = s.Save(ctx, "default", r); errors.Is(err, core.ErrConflict) {
		return nil
	}
	return err
}
