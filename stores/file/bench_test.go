//go:build linux

package file_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

// record is about as large as a session: 4 KB.
func record() []byte { return []byte(strings.Repeat("0123456789abcdef", 256)) }

// BenchmarkLoad compares loading a document with [os.ReadFile] of it.
func BenchmarkLoad(b *testing.B) {
	s := newStore(b, b.TempDir())
	save(b, s, "", record())
	path, ctx := s.Path(core.DefaultKey), context.Background()
	b.Run("ReadFile", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := os.ReadFile(path); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Store", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Load(ctx, core.DefaultKey); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkLookup loads one profile of one, and one of 100,000.
func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{1, 100_000} {
		dir := b.TempDir()
		fillProfiles(b, dir, n)
		s, key := newStore(b, dir), fmt.Sprintf("p%d", n/2)
		b.Run(fmt.Sprintf("profiles=%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Load(context.Background(), key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkList names 10,000 profiles.
func BenchmarkList(b *testing.B) {
	dir := b.TempDir()
	fillProfiles(b, dir, 10_000)
	s := newStore(b, dir)
	for b.Loop() {
		if keys, err := s.List(context.Background()); err != nil || len(keys) != 10_000 {
			b.Fatal(len(keys), err)
		}
	}
}

// BenchmarkSave compares saving with what it cannot do without: a new file, two
// syncs and a rename.
func BenchmarkSave(b *testing.B) {
	b.Run("ByHand", func(b *testing.B) {
		dir, data := b.TempDir(), record()
		for i := 0; b.Loop(); i++ {
			data[0] = byte(i)
			must(b, saveByHand(dir, data))
		}
	})
	b.Run("Store", func(b *testing.B) {
		s, data, revision := newStore(b, b.TempDir()), record(), ""
		for i := 0; b.Loop(); i++ {
			data[0] = byte(i)
			r, err := s.Save(context.Background(), core.DefaultKey, core.Record{Data: data, Revision: revision})
			must(b, err)
			revision = r.Revision
		}
	})
}

func saveByHand(dir string, data []byte) error {
	f, err := os.CreateTemp(dir, ".tmp-")
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, "tokens.json")); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// BenchmarkLock has 256 wait for one lock, each with a lock file of its own as
// 256 processes have, until all have had it.
func BenchmarkLock(b *testing.B) {
	s := newStore(b, b.TempDir())
	for b.Loop() {
		var wg sync.WaitGroup
		for range 256 {
			wg.Go(func() {
				held, err := s.Lock(context.Background(), core.DefaultKey)
				if err == nil {
					err = held.Release()
				}
				if err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	}
}
