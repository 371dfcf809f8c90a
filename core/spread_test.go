package core

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

var midnight = time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)

// firsts returns when many tokens of a life are renewed, in their age.
func firsts(life time.Duration, early bool) (ages []time.Duration) {
	for i := range 10_000 {
		ages = append(ages, newSchedule(fmt.Sprint("token ", i), midnight, life, early).first.Sub(midnight))
	}
	slices.Sort(ages)
	return ages
}

// People who signed in together do not renew together: the first renewals of many
// tokens lie all over the last part of an hour. Those that follow lie apart already,
// and are late.
func TestBackgroundRefreshesAreSpread(t *testing.T) {
	t.Parallel()
	for early, from := range map[bool]time.Duration{false: 24 * time.Minute, true: 45 * time.Minute} {
		ages := firsts(time.Hour, early)
		if first, last := ages[0], ages[len(ages)-1]; first < from || first > from+time.Minute || last > 54*time.Minute || last < 53*time.Minute {
			t.Errorf("early %t: renewed between %s and %s", early, first, last)
		}
		minutes := map[int]int{}
		for _, age := range ages {
			minutes[int(age.Minutes())]++
		}
		even := float64(len(ages)) / (54*time.Minute - from).Minutes()
		for minute, n := range minutes {
			if float64(n) > 1.25*even {
				t.Errorf("early %t: %d of %d in minute %d, evenly %.0f", early, n, len(ages), minute, even)
			}
		}
	}
}

// All processes that share a token have the same schedule, whenever they first saw it.
func TestOneTokenHasOneSchedule(t *testing.T) {
	t.Parallel()
	for i := range 100 {
		token := fmt.Sprint(i)
		if a, b := newSchedule(token, midnight, time.Hour, false), newSchedule(token, midnight, time.Hour, false); a != b {
			t.Fatal("two processes renew a token at different times")
		}
	}
}

// Short tokens are given out for most of their life, and long ones are not renewed in
// their last moments.
func TestEarlyOfShortAndLongTokens(t *testing.T) {
	t.Parallel()
	for life, bounds := range map[time.Duration][2]time.Duration{
		4 * time.Second: {time.Second, 2400 * time.Millisecond},
		time.Minute:     {15 * time.Second, 36 * time.Second},
		5 * time.Minute: {75 * time.Second, 3 * time.Minute},
		time.Hour:       {6 * time.Minute, 36 * time.Minute},
		24 * time.Hour:  {144 * time.Minute, 864 * time.Minute},
	} {
		for _, early := range []bool{false, true} {
			ages := firsts(life, early)
			if least, most := life-ages[len(ages)-1], life-ages[0]; least < bounds[0] || most > bounds[1] {
				t.Errorf("a token of %s is renewed %s to %s before its end, expected between %s and %s", life, least, most, bounds[0], bounds[1])
			}
		}
	}
}

// When nothing failed a renewal is due from the first attempt on. After a failure the
// next is no sooner than a minute later, none comes twice, and there are few.
func TestAttemptsAfterFailures(t *testing.T) {
	t.Parallel()
	for i := range 1000 {
		s := newSchedule(fmt.Sprint(i), midnight, time.Hour, i%2 == 0)
		var failed time.Time
		attempts, waited := 0, time.Duration(0)
		for now := midnight; now.Before(s.last); now = now.Add(time.Second) {
			if due := s.due(failed, now); !due {
				continue
			}
			switch {
			case now.Before(s.first):
				t.Fatal("due before the first attempt")
			case !failed.IsZero() && now.Sub(failed) < time.Minute:
				t.Fatalf("again after %s", now.Sub(failed))
			case !failed.IsZero():
				waited = max(waited, now.Sub(failed))
			}
			failed = now
			attempts++
		}
		if attempts < 2 || attempts > 6 {
			t.Fatalf("%d attempts in %s", attempts, s.last.Sub(s.first))
		}
		if longest := s.last.Sub(s.first)*5/6 + time.Second; waited > longest {
			t.Fatalf("an attempt came %s after the one before, %s before the end", waited, s.last.Sub(s.first))
		}
		if s.last.Sub(failed) > 3*time.Minute {
			t.Fatalf("the last attempt is %s before the end", s.last.Sub(failed))
		}
	}
}

// A failure that was noted by a clock that has been set back since does not keep anybody
// from trying.
func TestAttemptAfterAClockWasSetBack(t *testing.T) {
	t.Parallel()
	s := newSchedule("token", midnight, time.Hour, false)
	if !s.due(s.first.Add(10*time.Minute), s.first) {
		t.Error("nothing is due")
	}
}
