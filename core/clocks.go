package core

import (
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"time"
)

// Machines that share a store tell a token's age by when it was obtained, by the clock of
// the machine that obtained it. Where that clock is not theirs, the token seems to be over,
// or of the future. So a machine whose clock is wrong leaves what it knows of it with the
// session, and as long as one did, the others do, too.

// A reading is what a machine knew of its clock when it last obtained a token.
type reading struct {
	At    string  `json:"at"`    // by that clock
	Ahead float64 `json:"ahead"` // of the provider's, in seconds
}

func (c reading) ahead() time.Duration { return time.Duration(c.Ahead * float64(time.Second)) }

// noteTime notes when, by the clock of host, the token was obtained, and how long it then was
// valid. ahead is how far that clock is ahead of the provider's.
func (r *stored) noteTime(host func() string, now time.Time, ahead time.Duration) {
	r.ObtainedAt, r.ValidFor = formatTime(now), r.claims.Expiry.Sub(now.Add(-ahead)).Seconds()
	r.noteClock(host, now, ahead)
}

// noteClock notes that the clock of host is ahead of the provider's, if it is or if that of
// another machine is. What was noted before the life of a token is forgotten.
func (r *stored) noteClock(host func() string, now time.Time, ahead time.Duration) {
	wrong := ahead.Abs() > clockJump
	if !wrong && len(r.Clocks) == 0 {
		return
	}
	clocks := maps.Clone(r.Clocks)
	if clocks == nil {
		clocks = make(map[string]reading)
	}
	life := time.Duration(r.ValidFor * float64(time.Second))
	maps.DeleteFunc(clocks, func(_ string, c reading) bool {
		return parseTime(c.At).Add(-c.ahead()).Before(now.Add(-ahead - life))
	})
	clocks[host()] = reading{At: formatTime(now), Ahead: ahead.Seconds()}
	for _, c := range clocks {
		wrong = wrong || c.ahead().Abs() > clockJump
	}
	if r.Clocks = nil; wrong {
		r.Clocks = clocks
	}
}

// obtained returns when the token was obtained, by the clock of host as far as that is known,
// and how long it then was valid.
func (r *stored) obtained(host func() string) (at time.Time, life time.Duration) {
	at, life = parseTime(r.ObtainedAt), time.Duration(r.ValidFor*float64(time.Second))
	if at.IsZero() || life <= 0 { // written by Python tokentoss
		return r.claims.IssuedAt, r.claims.Expiry.Sub(r.claims.IssuedAt)
	}
	if len(r.Clocks) == 0 {
		return at, life
	}
	provider := r.claims.Expiry.Add(-life) // its clock at that moment
	own := r.Clocks[host()]
	if parseTime(own.At).Add(-own.ahead()).Before(provider.Add(-life)) {
		own = reading{} // what is not known, or not any more, is taken to be right
	}
	return provider.Add(own.ahead()), life
}

// hostName tells machines apart, without their names.
func hostName(name string) string {
	if name == "" {
		name, _ = os.Hostname()
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return fmt.Sprintf("%016x", h.Sum64())
}
