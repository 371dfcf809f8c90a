//go:build !race

package iap_test

import (
	"net/http"
	"runtime"
	"testing"
)

// The warm path adds at most 3 allocations and 768 bytes to its base, and
// no goroutine. The race detector allocates too, so this is not for it.
func TestWarmPathAllocations(t *testing.T) {
	all := stacks(t)
	req := usual(t)
	cost := func(rt http.RoundTripper) (allocs, bytes float64) {
		do := func() {
			if _, err := rt.RoundTrip(req); err != nil {
				t.Fatal(err)
			}
		}
		allocs = testing.AllocsPerRun(1000, do)
		const n = 10_000
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range n {
			do()
		}
		runtime.ReadMemStats(&after)
		return allocs, float64(after.TotalAlloc-before.TotalAlloc) / n
	}
	goroutines := runtime.NumGoroutine()
	baseAllocs, baseBytes := cost(all["base"])
	allocs, bytes := cost(all["iap"])
	if a := allocs - baseAllocs; a > 3 {
		t.Errorf("%v allocations added", a)
	}
	// Whatever else the runtime does meanwhile is rounded away.
	if b := bytes - baseBytes; b > 768+1 {
		t.Errorf("%.0f bytes added", b)
	} else {
		t.Logf("%v allocations and %.0f bytes added", allocs-baseAllocs, b)
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines, then %d", goroutines, n)
	}
}
