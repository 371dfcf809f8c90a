package googleid

import (
	"context"
	"crypto"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core/internal/jws"
)

const (
	// Keys are kept for as long as their answer says, within these bounds, and for
	// defaultLife where it does not say.
	leastLife, defaultLife, mostLife = 5 * time.Minute, time.Hour, 24 * time.Hour

	// earlyPart is the part of their life after which keys are fetched in the
	// background, so that nobody has to wait when it is over.
	earlyPart = 0.75

	// staleLife is how long keys go on after their life when no others can be had.
	staleLife = 24 * time.Hour

	// failPause is the least time between a fetch that failed and the next.
	failPause = 10 * time.Second

	// unknownPause is the least time between two fetches for keys that are not known.
	unknownPause = 5 * time.Minute
)

// A keySet holds the keys of one URL.
type keySet struct {
	url       string
	transport http.RoundTripper
	now       func() time.Time
	log       *slog.Logger

	mu      sync.Mutex
	keys    jws.Keys // nil until the first fetch
	fetched time.Time
	life    time.Duration

	flight  chan struct{} // of the fetch under way; it is closed at its end
	failed  time.Time     // when the last fetch failed; zero when it did not
	failure error
	unknown time.Time // when keys were last fetched for an unknown one
}

// find returns the key that should have signed t.
func (s *keySet) find(ctx context.Context, t *jws.Token) (crypto.PublicKey, error) {
	key, flight, err := s.look(t, false)
	if flight == nil {
		return key, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-flight:
	}
	key, _, err = s.look(t, true)
	return key, err
}

// look returns the key, or an error, or the fetch to wait for. Who has waited does
// not wait again.
func (s *keySet) look(t *jws.Token, waited bool) (crypto.PublicKey, chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	age := now.Sub(s.fetched)
	if age < -skew {
		age = s.life // the clock was set back: their age is not known
	}
	key, found := s.keys.Find(t)
	usable := s.keys != nil && age < s.life
	switch {
	case usable && found:
		if age > time.Duration(earlyPart*float64(s.life)) {
			s.start(now)
		}
		return key, nil, nil
	case usable:
		return nil, s.startUnknown(now, waited), &TokenError{UnknownKey, "no key of " + hostOf(s.url) + " has the ID that it names"}
	}
	stale := found && age < s.life+staleLife
	if !waited {
		failing := !s.failed.IsZero()
		if flight := s.start(now); flight != nil && !(failing && stale) {
			return nil, flight, nil
		}
	}
	switch {
	case stale:
		return key, nil, nil
	case s.failure != nil:
		return nil, nil, s.failure
	}
	return nil, nil, &KeysError{Host: hostOf(s.url), Problem: "its keys are too old"}
}

// startUnknown returns the fetch that may bring a key that is not known, or nil
// when there shall be none. s.mu is held.
func (s *keySet) startUnknown(now time.Time, waited bool) chan struct{} {
	switch {
	case waited:
		return nil
	case s.flight != nil:
		return s.flight
	case !s.unknown.IsZero() && now.Sub(s.unknown).Abs() < unknownPause:
		return nil
	}
	flight := s.start(now)
	if flight != nil {
		s.unknown = now
	}
	return flight
}

// start returns the fetch that is under way, or begins one; nil means that the last
// failed moments ago. s.mu is held.
func (s *keySet) start(now time.Time) chan struct{} {
	if s.flight != nil {
		return s.flight
	}
	if !s.failed.IsZero() && now.Sub(s.failed).Abs() < failPause {
		return nil
	}
	s.flight = make(chan struct{})
	// Not with a caller's context: others wait as well. It ends at its deadline.
	go s.fly(s.flight)
	return s.flight
}

// fly fetches the keys. Those that are there stay when that fails.
func (s *keySet) fly(flight chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	body, header, err := s.fetch(ctx)
	var keys jws.Keys
	if err == nil {
		if keys, err = jws.ParseKeys(body); err != nil {
			err = &KeysError{Host: hostOf(s.url), Problem: "answered with something that is " + err.Error()}
		} else if len(keys) == 0 {
			err = &KeysError{Host: hostOf(s.url), Problem: "answered with no key that can be used"}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(flight)
	s.flight = nil
	if err != nil {
		s.failed, s.failure = s.now(), err
		s.log.Warn("the keys to verify tokens with could not be fetched", "error", err)
		return
	}
	s.keys, s.fetched, s.life = keys, s.now(), lifeOf(header)
	s.failed, s.failure = time.Time{}, nil
}

// lifeOf reads how long an answer may be kept (RFC 9111 section 4.2), within
// bounds: an odd header must neither have the keys fetched for every token nor keep
// them for ever.
func lifeOf(h http.Header) time.Duration {
	life := defaultLife
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil && strings.EqualFold(name, "max-age") {
			life = time.Duration(n) * time.Second
			break
		}
	}
	if n, err := strconv.ParseUint(h.Get("Age"), 10, 31); err == nil {
		life -= time.Duration(n) * time.Second
	}
	return min(max(life, leastLife), mostLife)
}
