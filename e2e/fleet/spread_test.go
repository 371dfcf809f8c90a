package fleet

import (
	"flag"
	"testing"
	"time"
)

var people = flag.Int("people", 1000, "how many people are simulated")

func TestDay(t *testing.T) {
	began := time.Now()
	f := simulate(t, plan{people: *people, length: 24 * time.Hour, arrive: normally})
	t.Log(time.Since(began))
	signIn := peak(f.signedIn, 0, 60)
	second := peak(f.minutes, 60, 120)
	t.Logf("calls %d waited %d failed %d; sign-in peak %d, second hour %d (%.2f), unspread second %d; day %d / %d = %.3f; later peak %d",
		f.calls, f.waited, f.failed, signIn, second, float64(second)/float64(signIn), peak(f.unspread, 60, 120), sum(f.minutes), sum(f.unspread), float64(sum(f.minutes))/float64(sum(f.unspread)), peak(f.minutes, 120, 1440))
}
