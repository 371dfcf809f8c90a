// Package storebench compares stores that many machines share with the client library
// alone, in one run: how many sessions they load, save and lock a second.
package storebench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

const (
	workers  = 64
	sessions = 10_000
	rounds   = 7
	slice    = 400 * time.Millisecond // of a side in a round

	// document is the size of one, about that of a real session.
	document = 3 << 10
)

// A Side is a store that is compared. It is a [core.Locker], too.
type Side struct {
	Name  string
	Store core.TokenStore

	revisions []string // by number of the session; each belongs to one worker
}

// The operations that are compared.
var operations = []struct {
	name string
	call func(s *Side, ctx context.Context, i int) error
}{{"load", (*Side).load}, {"save", (*Side).save}, {"lock", (*Side).lock}}

// Compare runs the operations over all sides in turn, with 64 workers and 10,000 sessions.
// It reports the calls a second of the best round, since what else the machine does costs only
// the others, and how many times those of the first side that is.
func Compare(b *testing.B, sides ...*Side) {
	for _, s := range sides {
		s.fill(b)
	}
	for _, op := range operations {
		best := make([]float64, len(sides))
		for round := range rounds {
			for j := range sides {
				i := (round + j) % len(sides)
				best[i] = max(best[i], rate(b, sides[i], op.call))
			}
		}
		for i, s := range sides {
			report(b, op.name+"/"+s.Name, best[i], best[i]/best[0])
		}
	}
}

func report(b *testing.B, name string, rate, ratio float64) {
	b.Run(name, func(b *testing.B) {
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(rate, "calls/s")
		b.ReportMetric(ratio, "x-bare")
	})
}

// Flat loads sessions from a store with few and from one with many, and reports how many
// times as long the latter takes. names are those of a store's sessions.
func Flat(b *testing.B, few, many core.TokenStore, name func(i int) string, countFew, countMany int) {
	least := [2]float64{math.Inf(1), math.Inf(1)}
	for range 30 {
		least[0] = min(least[0], average(b, few, name, countFew))
		least[1] = min(least[1], average(b, many, name, countMany))
	}
	b.Run(fmt.Sprintf("flat/%dto%d", countFew, countMany), func(b *testing.B) {
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(least[1]/least[0], "x-few")
	})
}

// average returns how many seconds a load takes.
func average(b *testing.B, s core.TokenStore, name func(i int) string, count int) float64 {
	const calls = 200
	began := time.Now()
	for range calls {
		if _, err := s.Load(b.Context(), name(rand.N(count))); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began).Seconds() / calls
}

// rate returns how often a second all workers together call an operation.
func rate(b *testing.B, s *Side, call func(s *Side, ctx context.Context, i int) error) float64 {
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	var done atomic.Int64
	began := time.Now()
	err := each(func(worker int) error {
		for time.Since(began) < slice {
			if err := call(s, ctx, worker+workers*rand.N(sessions/workers)); err != nil {
				return err
			}
			done.Add(1)
		}
		return nil
	})
	if err != nil {
		b.Fatalf("%s: %v", s.Name, err)
	}
	return float64(done.Load()) / time.Since(began).Seconds()
}

// each runs f for all workers.
func each(f func(worker int) error) error {
	var wg sync.WaitGroup
	errs := make([]error, workers)
	for worker := range workers {
		wg.Go(func() { errs[worker] = f(worker) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// fill saves all sessions.
func (s *Side) fill(b *testing.B) {
	s.revisions = make([]string, sessions)
	err := each(func(worker int) error {
		for i := worker; i < sessions; i += workers {
			if err := s.save(b.Context(), i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatalf("%s: %v", s.Name, err)
	}
}

// key is that of a session.
func key(i int) string { return fmt.Sprintf("account-%06d", i) }

func (s *Side) load(ctx context.Context, i int) error {
	r, err := s.Store.Load(ctx, key(i))
	if err == nil && len(r.Data) != document {
		err = fmt.Errorf("%d bytes were loaded", len(r.Data))
	}
	return err
}

func (s *Side) save(ctx context.Context, i int) error {
	r, err := s.Store.Save(ctx, key(i), core.Record{Data: bytes.Repeat([]byte{'x'}, document), Revision: s.revisions[i]})
	s.revisions[i] = r.Revision
	return err
}

func (s *Side) lock(ctx context.Context, i int) error {
	held, err := s.Store.(core.Locker).Lock(ctx, key(i))
	if err != nil {
		return err
	}
	return held.Release()
}
