package googleid_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core/googleid"
)

// wantFetches checks how often the keys were fetched.
func wantFetches(t *testing.T, s *keyServer, when string, want int) {
	t.Helper()
	if got := s.count(); got != want {
		t.Errorf("%s: %d fetches, want %d", when, got, want)
	}
}

// verifyKid verifies a good assertion that the given key signed.
func verifyKid(t *testing.T, v *googleid.Verifier, c *clock, kid string, sign func([]byte) []byte) error {
	t.Helper()
	_, err := v.Verify(t.Context(), compact(`{"alg":"ES256","kid":"`+kid+`"}`, text(t, c.assertion(nil)), sign))
	return err
}

// However many ask at once, there is one fetch; then there is none, whatever the
// answer's headers say about keeping it.
func TestOneFetch(t *testing.T) {
	t.Parallel()
	for _, control := range []string{"", "no-store", "max-age=0", "max-age=-1", "max-age=x", "private, max-age=\"100\"", "public"} {
		c, s := newClock(), newKeyServer(t)
		gate := make(chan struct{})
		s.set(func() { s.gate, s.header = gate, http.Header{"Cache-Control": {control}} })
		v := assertions(t, s, c)
		token := es256(t, c.assertion(nil))
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				if _, err := v.Verify(context.Background(), token); err != nil {
					t.Error(err)
				}
			})
		}
		close(gate)
		all.Wait()
		for range 20 {
			if _, err := v.Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
		}
		wantFetches(t, s, "Cache-Control: "+control, 1)
	}
}

// A new key works at once, and made-up ones cause one fetch in five minutes.
func TestUnknownKeys(t *testing.T) {
	t.Parallel()
	c, s := newClock(), newKeyServer(t)
	v := assertions(t, s, c)
	_, ec := testKeys()
	if err := verifyKid(t, v, c, "ec", byEC(ec)); err != nil {
		t.Fatal(err)
	}
	next := newEC()
	s.serve(map[string]crypto.PublicKey{"ec": &ec.PublicKey, "next": &next.PublicKey})
	if err := verifyKid(t, v, c, "next", byEC(next)); err != nil {
		t.Errorf("a new key: %v", err)
	}
	wantFetches(t, s, "after a new key", 2)
	for range 100 {
		wantReason(t, "a made-up key", verifyKid(t, v, c, "made-up", byEC(next)), googleid.UnknownKey)
	}
	wantFetches(t, s, "after made-up keys", 2)
	c.add(5 * time.Minute)
	for range 100 {
		wantReason(t, "a made-up key", verifyKid(t, v, c, "made-up", byEC(next)), googleid.UnknownKey)
	}
	wantFetches(t, s, "five minutes later", 3)
	if err := verifyKid(t, v, c, "ec", byEC(ec)); err != nil {
		t.Errorf("the old key: %v", err)
	}
}

// A key that Google has withdrawn is believed for no longer than the answer said.
func TestKeysAreForgotten(t *testing.T) {
	t.Parallel()
	c, s := newClock(), newKeyServer(t)
	s.set(func() {
		s.header = http.Header{"Cache-Control": {"public, max-age=20000, must-revalidate"}, "Age": {"2000"}}
	})
	v := assertions(t, s, c)
	_, ec := testKeys()
	if err := verifyKid(t, v, c, "ec", byEC(ec)); err != nil {
		t.Fatal(err)
	}
	next := newEC()
	s.serve(map[string]crypto.PublicKey{"next": &next.PublicKey})
	c.add(13000 * time.Second)
	if err := verifyKid(t, v, c, "ec", byEC(ec)); err != nil {
		t.Errorf("within its life: %v", err)
	}
	wantFetches(t, s, "within their life", 1)
	c.add(5001 * time.Second)
	wantReason(t, "after its life", verifyKid(t, v, c, "ec", byEC(ec)), googleid.UnknownKey)
	if err := verifyKid(t, v, c, "next", byEC(next)); err != nil {
		t.Error(err)
	}
}

// Before the keys' life is over they are fetched without anybody's waiting.
func TestEarlyFetch(t *testing.T) {
	t.Parallel()
	c, s := newClock(), newKeyServer(t)
	v := assertions(t, s, c)
	_, ec := testKeys()
	if err := verifyKid(t, v, c, "ec", byEC(ec)); err != nil {
		t.Fatal(err)
	}
	gate := make(chan struct{})
	s.set(func() { s.gate = gate })
	c.add(50 * time.Minute)
	for range 10 {
		if err := verifyKid(t, v, c, "ec", byEC(ec)); err != nil { // or hang
			t.Fatal(err)
		}
	}
	close(gate)
	// Whoever asks for a key that is not known waits for the fetch under way.
	wantReason(t, "unknown", verifyKid(t, v, c, "x", byEC(ec)), googleid.UnknownKey)
	c.add(30 * time.Minute)
	if err := verifyKid(t, v, c, "ec", byEC(ec)); err != nil {
		t.Error(err)
	}
	if n := s.count(); n > 3 {
		t.Errorf("%d fetches", n)
	}
}

// Keys that expired go on for a day when there are no others to be had, and the
// server that has none is left in peace.
func TestStaleIfError(t *testing.T) {
	t.Parallel()
	_, ec := testKeys()
	for name, broken := range map[string]func(*keyServer){
		"503": func(s *keyServer) { s.status = 503 }, "404": func(s *keyServer) { s.status = 404 },
		"HTML":            func(s *keyServer) { s.body = []byte("<html>sign in to this WLAN</html>") },
		"an empty answer": func(s *keyServer) { s.body = nil }, "no keys": func(s *keyServer) { s.body = []byte(`{"keys":[]}`) },
		"keys of no use":   func(s *keyServer) { s.body = []byte(`{"keys":[{"kty":"oct","kid":"ec"}]}`) },
		"a huge answer":    func(s *keyServer) { s.body = bytes.Repeat([]byte(" "), 2<<20) },
		"a redirect":       func(s *keyServer) { s.status, s.header = 302, http.Header{"Location": {s.URL}} },
		"another document": func(s *keyServer) { s.body = []byte(`{"error":"x"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := newClock(), newKeyServer(t)
			var log bytes.Buffer
			o := s.options(c, audience)
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			v, err := googleid.NewAssertionVerifier(o)
			if err != nil {
				t.Fatal(err)
			}
			if err := verifyKid(t, v, c, "ec", byEC(ec)); err != nil {
				t.Fatal(err)
			}
			good := s.body
			s.set(func() { broken(s) })
			c.add(2 * time.Hour)
			for range 50 {
				if err := verifyKid(t, v, c, "ec", byEC(ec)); err != nil {
					t.Fatalf("stale: %v", err)
				}
			}
			wantFetches(t, s, "broken", 2)
			if !strings.Contains(log.String(), "could not be fetched") {
				t.Errorf("log: %s", log.String())
			}
			// Whether a key is a new one cannot be known now.
			var ke *googleid.KeysError
			if err := verifyKid(t, v, c, "new", byEC(ec)); !errors.As(err, &ke) || ke.Remedy().IsZero() {
				t.Errorf("an unknown key while the server is broken: %v", err)
			}
			c.add(24 * time.Hour)
			if err := verifyKid(t, v, c, "ec", byEC(ec)); !errors.As(err, &ke) {
				t.Errorf("after a day: %v", err)
			}
			s.set(func() { s.status, s.header, s.body = 0, nil, good })
			c.add(11 * time.Second)
			if err := verifyKid(t, v, c, "ec", byEC(ec)); err != nil {
				t.Errorf("healed: %v", err)
			}
		})
	}
}

// Where no keys were ever had, nothing passes, and the server is asked once in ten
// seconds.
func TestNoKeys(t *testing.T) {
	t.Parallel()
	c, s := newClock(), newKeyServer(t)
	s.set(func() { s.status = 500 })
	v := assertions(t, s, c)
	_, ec := testKeys()
	for range 50 {
		var ke *googleid.KeysError
		if err := verifyKid(t, v, c, "ec", byEC(ec)); !errors.As(err, &ke) {
			t.Fatalf("%v", err)
		}
	}
	wantFetches(t, s, "at first", 1)
	s.set(func() { s.status = 0 })
	c.add(10 * time.Second)
	if err := verifyKid(t, v, c, "ec", byEC(ec)); err != nil {
		t.Error(err)
	}
	wantFetches(t, s, "healed", 2)
}

// A server that hangs holds up nobody for long who leaves, or who has a key.
func TestHangingServer(t *testing.T) {
	t.Parallel()
	c, s := newClock(), newKeyServer(t)
	gate := make(chan struct{})
	s.set(func() { s.gate = gate })
	v := assertions(t, s, c)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := v.Verify(ctx, es256(t, c.assertion(nil)))
		done <- err
	}()
	<-s.arrived
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("who left: %v", err)
	}
	close(gate) // the fetch went on for the others
	if _, err := v.Verify(t.Context(), es256(t, c.assertion(nil))); err != nil {
		t.Error(err)
	}
	wantFetches(t, s, "in the end", 1)
}

// A clock that is set back, or that jumps by a day, costs a fetch, and no more than
// that.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	c, s := newClock(), newKeyServer(t)
	v := assertions(t, s, c)
	_, ec := testKeys()
	for i, jump := range []time.Duration{0, 48 * time.Hour, -48 * time.Hour, -10 * time.Minute, 10 * time.Minute} {
		c.add(jump)
		for range 20 {
			if err := verifyKid(t, v, c, "ec", byEC(ec)); err != nil {
				t.Errorf("after %s: %v", jump, err)
			}
		}
		if n := s.count(); n > i+1 {
			t.Errorf("after %s: %d fetches", jump, n)
		}
	}
}
