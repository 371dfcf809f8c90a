package core

import (
	"hash/fnv"
	"io"
	"time"
)

// When a token is renewed. A token that lives for an hour, from the sign-in on:
//
//	0 min                24                      45      54      59.5  60
//	|  given out as it is |  renewed in the background  ........  |     |
//	                      ^ somewhere here: the first              ^ who asks waits
//	                                             ^ ... here: those that follow
//
// Nobody waits for a renewal in the background. People who sign in together, or come
// back together when a provider is up again, would do so every hour: therefore the
// first token is renewed anywhere in a wide part of its life. What follows lies apart
// already, and lives longer.
const (
	// earlyLeast and earlyPart say how long before its end a token is renewed in the
	// background at the latest: the greater of the two, but never more than a quarter
	// of its life.
	earlyLeast = 5 * time.Minute
	earlyPart  = 0.1

	// widePart is how long before its end, as a part of its life, a token is renewed
	// at the earliest: one of a sign-in, or one that somebody had waited for.
	widePart = 0.6

	// narrowPart is how far the renewals lie apart of tokens that were themselves
	// obtained in the background.
	narrowPart = 0.15

	// blockBefore is how long before its end a token is no longer given out, but
	// never more than a tenth of its life.
	blockBefore = 30 * time.Second

	// quietWindow is the least time between two attempts in the background. No
	// Retry-After is longer.
	quietWindow = time.Minute
)

// A schedule says when a token is renewed in the background, and when again if that
// failed. It follows from the token, so that all processes have the same one, and make
// each attempt once.
type schedule struct {
	first time.Time // the first attempt
	last  time.Time // from then on the token is not given out
	seed  uint64
}

// newSchedule returns the schedule of a token that lives for life from a time on.
// early tells that it came early itself, from a renewal in the background.
func newSchedule(idToken string, from time.Time, life time.Duration, early bool) schedule {
	h := fnv.New64a()
	_, _ = io.WriteString(h, idToken)
	s := schedule{last: from.Add(life - min(blockBefore, life/10)), seed: h.Sum64()}
	part := func(f float64) time.Duration { return time.Duration(f * float64(life)) }
	least := min(max(earlyLeast, part(earlyPart)), life/4)
	most := part(widePart)
	if early {
		most = least + part(narrowPart)
	}
	s.first = from.Add(life - least - time.Duration(float64(most-least)*s.random(0)))
	return s
}

// due tells whether an attempt in the background is due, when the last one failed at
// that time, if there was one. After a failure the next is two thirds to five sixths
// of the time away that the token can still be given out: soon enough, seldom enough, and
// again not at the same time for all who wait for a provider.
func (s schedule) due(failed, now time.Time) bool {
	if now.Before(s.first) {
		return false
	}
	if failed.IsZero() || failed.After(now) { // the latter: the clock was set back
		return true
	}
	return now.Sub(failed) >= quietWindow && failed.Before(s.attempt(now))
}

// attempt returns the time of the latest attempt that is not after now.
func (s schedule) attempt(now time.Time) time.Time {
	at := s.first
	for n := uint64(1); ; n++ {
		left := float64(s.last.Sub(at))
		next := at.Add(max(quietWindow, time.Duration(left*(4+s.random(n))/6)))
		if next.After(now) {
			return at
		}
		at = next
	}
}

// random returns the n-th of the numbers from 0 to 1 that belong to the token
// (SplitMix64).
func (s schedule) random(n uint64) float64 {
	z := s.seed + n*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}
