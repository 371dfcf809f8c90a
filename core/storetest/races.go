package storetest

import (
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

const (
	savers        = 8 // goroutines that save together
	defaultRounds = 5 // of them
)

func raceChecks() []check {
	return []check{
		{"ConcurrentSavers", func(t *testing.T, k *kit) {
			s := k.store(t)
			k.raceSaves(t, s, s)
		}},
		{"Counter", func(t *testing.T, k *kit) {
			s := k.store(t)
			k.count(t, s, s)
		}},
		{"ConcurrentKeys", func(t *testing.T, k *kit) {
			s := k.store(t)
			k.raceKeys(t, s, s)
		}},
		{"ReadersSeeWholeDocuments", func(t *testing.T, k *kit) {
			s := k.store(t)
			k.raceReaders(t, s, s)
		}},
	}
}

// raceSaves lets savers start from one revision together, several times, the
// first time from none. They use the stores in turn, which are over one place.
func (k *kit) raceSaves(t *testing.T, stores ...core.TokenStore) {
	t.Helper()
	revision := ""
	for round := range k.rounds {
		saved := make([]core.Record, savers)
		errs := make([]error, savers)
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range savers {
			ctx := k.ctx(t)
			wg.Go(func() {
				<-start
				r := core.Record{Data: fmt.Appendf(nil, "round %d, saver %d", round, i), Revision: revision}
				saved[i], errs[i] = stores[i%len(stores)].Save(ctx, key, r)
			})
		}
		close(start)
		wg.Wait()
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner >= 0:
				k.fail(t, "two savers saved from revision %q at the same time; one of them has lost its document", revision)
			case err == nil:
				winner = i
			case !errors.Is(err, core.ErrConflict):
				k.wantError(t, "Save while others save from the same revision", err, core.ErrConflict)
			}
		}
		if winner < 0 {
			k.fail(t, "none of %d savers from the stored revision %q saved; the first was told: %v", savers, revision, errs[0])
		}
		got := k.load(t, stores[0], key)
		if want := saved[winner]; got.Revision != want.Revision || string(got.Data) != string(want.Data) {
			k.fail(t, "Load gives %s (revision %q), but the saver that got no error saved %s (revision %q)",
				show(got.Data), got.Revision, show(want.Data), want.Revision)
		}
		revision = got.Revision
	}
}

// count lets goroutines increment one counter, each by its own loads and saves.
func (k *kit) count(t *testing.T, stores ...core.TokenStore) {
	t.Helper()
	const counters = 4
	increments := 2 * k.rounds // of each
	var wg sync.WaitGroup
	var wrong verdict
	for i := range counters {
		ctx := k.ctx(t)
		wg.Go(func() {
			s := stores[i%len(stores)]
			for done := 0; done < increments && !wrong.said(); {
				r, err := s.Load(ctx, key)
				if err != nil && !errors.Is(err, core.ErrNotFound) {
					wrong.sayf("Load while others save: %v", err)
					return
				}
				n, _ := strconv.Atoi(string(r.Data))
				_, err = s.Save(ctx, key, core.Record{Data: strconv.AppendInt(nil, int64(n+1), 10), Revision: r.Revision})
				switch {
				case err == nil:
					done++
				case !errors.Is(err, core.ErrConflict):
					wrong.sayf("Save while others save: %v", err)
				}
			}
		})
	}
	wg.Wait()
	wrong.check(t, k)
	if got, want := string(k.load(t, stores[0], key).Data), strconv.Itoa(counters*increments); got != want {
		k.fail(t, "the counter is %s after %s increments by load and save; updates were lost", got, want)
	}
}

// raceKeys lets savers save together, each a document of its own.
func (k *kit) raceKeys(t *testing.T, stores ...core.TokenStore) {
	t.Helper()
	var wg sync.WaitGroup
	var wrong verdict
	last := make([]string, savers/2)
	for i := range last {
		ctx := k.ctx(t)
		wg.Go(func() {
			s, name, revision := stores[i%len(stores)], "key"+strconv.Itoa(i), ""
			for round := range k.rounds {
				last[i] = fmt.Sprintf("round %d of %s", round, name)
				r, err := s.Save(ctx, name, core.Record{Data: []byte(last[i]), Revision: revision})
				if err != nil {
					wrong.sayf("Save(%q) while others save other keys: %v", name, err)
					return
				}
				revision = r.Revision
			}
		})
	}
	wg.Wait()
	wrong.check(t, k)
	for i, want := range last {
		k.wantData(t, stores[0], "key"+strconv.Itoa(i), []byte(want), ", which was saved while others saved other keys")
	}
}

// raceReaders loads by one store while documents of different lengths are saved by
// another.
func (k *kit) raceReaders(t *testing.T, writer, reader core.TokenStore) {
	t.Helper()
	document := func(i int) []byte {
		body := strings.Repeat(strconv.Itoa(i%10), 1+i%3*5000)
		return fmt.Appendf(nil, "%s %08x", body, crc32.ChecksumIEEE([]byte(body)))
	}
	r := k.save(t, writer, key, "", document(0))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var wrong verdict
	for range 2 {
		ctx := k.ctx(t)
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				got, err := reader.Load(ctx, key)
				if err != nil {
					wrong.sayf("Load while a document is replaced: %v", err)
					return
				}
				body, sum, _ := strings.Cut(string(got.Data), " ")
				if sum != fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(body))) {
					wrong.sayf("Load while a document is replaced gives part of one, or parts of two: %s", show(got.Data))
					return
				}
			}
		})
	}
	for i := range 6 * k.rounds {
		var err error
		if r, err = writer.Save(k.ctx(t), key, core.Record{Data: document(i + 1), Revision: r.Revision}); err != nil {
			wrong.sayf("Save while others load: %v", err)
		}
		if wrong.said() {
			break
		}
	}
	close(stop)
	wg.Wait()
	wrong.check(t, k)
}
