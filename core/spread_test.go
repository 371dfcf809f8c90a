package core

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// People who signed in together do not renew together: the background refreshes of
// many tokens lie all over the last part of an hour, and those of one token at the
// same time in every process.
func TestBackgroundRefreshesAreSpread(t *testing.T) {
	t.Parallel()
	var times []time.Duration
	for i := range 10_000 {
		token := fmt.Sprint("token ", i)
		times = append(times, time.Hour-early(token, time.Hour))
		if again := early(token, time.Hour); time.Hour-again != times[i] {
			t.Fatal("a token is refreshed at another time in each process")
		}
	}
	slices.Sort(times)
	if first, last := times[0], times[len(times)-1]; first < 23*time.Minute || first > 26*time.Minute || last > 55*time.Minute || last < 52*time.Minute {
		t.Errorf("refreshed between %s and %s", first, last)
	}
	minutes := map[int]int{}
	for _, at := range times {
		minutes[int(at.Minutes())]++
	}
	for minute, n := range minutes {
		if n > 450 { // 10,000 over 30 minutes are 333
			t.Errorf("%d of 10,000 in minute %d", n, minute)
		}
	}
}

// Short tokens are given out for most of their life, and long ones are not refreshed in
// their last moments.
func TestEarlyOfShortAndLongTokens(t *testing.T) {
	t.Parallel()
	for life, bounds := range map[time.Duration][2]time.Duration{
		time.Minute:     {15 * time.Second, 36 * time.Second},
		5 * time.Minute: {75 * time.Second, 3 * time.Minute},
		time.Hour:       {6 * time.Minute, 36 * time.Minute},
		24 * time.Hour:  {144 * time.Minute, 864 * time.Minute},
	} {
		for i := range 1000 {
			if got := early(fmt.Sprint(i), life); got < bounds[0] || got > bounds[1] {
				t.Fatalf("a token of %s is refreshed %s before its end, expected between %s and %s", life, got, bounds[0], bounds[1])
			}
		}
	}
}
