package iap_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core/iap"
)

// 1,000 requests that are refused together cost one renewal. The server holds
// every first request until all are there.
func TestThousandRefusedTogetherRenewOnce(t *testing.T) {
	t.Parallel()
	const callers = 1000
	var waiting sync.WaitGroup
	waiting.Add(callers)
	src := newSource()
	tr := newTransport(t, src, iap.Options{
		Origins: []string{"https://app.example.com"},
		Base: base(func(req *http.Request) (*http.Response, error) {
			if generation(req.Header.Get("Authorization")) == 1 {
				waiting.Done()
				waiting.Wait()
				return answer(401, "", GeneratedHeader, "true"), nil
			}
			return answer(200, ""), nil
		}),
	})
	var failed atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if resp, err := tr.RoundTrip(get(t, "https://app.example.com/")); err != nil || resp.StatusCode != 200 {
				failed.Add(1)
			}
		})
	}
	all.Wait()
	if failed.Load() != 0 || src.asked.Load() != callers || src.renewals.Load() != 1 {
		t.Errorf("%d failed; %d asked for a renewal, %d renewals", failed.Load(), src.asked.Load(), src.renewals.Load())
	}
}

// 1,000 goroutines over several token lives, none of which fails: no more
// renewals than the service revoked tokens.
func TestThousandGoroutinesOverManyTokens(t *testing.T) {
	t.Parallel()
	const each, revocations = 12, 2
	callers := int64(1000)
	if testing.Short() {
		callers = 200
	}
	src := newSource()
	var count, oldest atomic.Int64
	srv, _ := serve(t, "http", func(w http.ResponseWriter, r *http.Request) {
		// Twice, all tokens so far stop being good. The calls between are more
		// than can wait in a queue, so nobody meets both.
		if n := count.Add(1); n == 4*callers || n == 8*callers {
			oldest.Store(int64(src.cur.Load().Generation) + 1)
		}
		if int64(generation(r.Header.Get("Authorization"))) < oldest.Load() {
			refuse(w)
		}
	})
	client := clientFor(t, src, srv.URL)
	var failed atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range each {
				resp, err := client.Do(get(t, srv.URL))
				if err != nil {
					failed.Add(1)
					continue
				}
				finish(t, resp)
				if resp.StatusCode != 200 {
					failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if failed.Load() != 0 || src.renewals.Load() != revocations {
		t.Errorf("%d failed, %d renewals", failed.Load(), src.renewals.Load())
	}
}

// The refused answer's body is drained and closed, so that neither
// connections nor goroutines pile up. It counts goroutines, so it runs alone.
func TestNothingPilesUp(t *testing.T) {
	calls := 10_000
	if testing.Short() {
		calls = 500
	}
	var dials atomic.Int64
	b := wire(t)
	b.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
	page := strings.Repeat("x", 60<<10)
	var turn atomic.Int64
	srv, n := serve(t, "http", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(GeneratedHeader, "true")
		w.WriteHeader(http.StatusUnauthorized)
		if turn.Add(1)%10 == 0 {
			io.WriteString(w, page)
			return
		}
		io.WriteString(w, page[:1<<10])
	})
	src := newSource()
	tr := newTransport(t, src, iap.Options{Origins: []string{srv.URL}, Base: b})
	const workers = 4
	before := runtime.NumGoroutine()
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range calls / workers {
				var re *iap.RefusedError
				if _, err := tr.RoundTrip(get(t, srv.URL)); !errors.As(err, &re) {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if n.Load() != int64(2*calls) || dials.Load() > int64(calls/100) {
		t.Errorf("%d requests over %d connections", n.Load(), dials.Load())
	}
	// Each connection has two goroutines at either end.
	if after := runtime.NumGoroutine(); after > before+8*workers {
		t.Errorf("%d goroutines, then %d", before, after)
	}
}

// No more than 64 KiB of it are read.
func TestEndlessPage(t *testing.T) {
	t.Parallel()
	var bodies []*spyBody
	tr := newTransport(t, newSource(), iap.Options{
		Origins: []string{"https://app.example.com"},
		Base: base(func(*http.Request) (*http.Response, error) {
			resp := answer(401, "", GeneratedHeader, "true")
			bodies = append(bodies, &spyBody{r: zeros{}})
			resp.Body = bodies[len(bodies)-1]
			return resp, nil
		}),
	})
	var re *iap.RefusedError
	if _, err := tr.RoundTrip(get(t, "https://app.example.com/")); !errors.As(err, &re) || len(bodies) != 2 {
		t.Fatalf("%v after %d answers", err, len(bodies))
	}
	for i, b := range bodies {
		if b.read.Load() > 64<<10 || !b.closed.Load() {
			t.Errorf("answer %d: %d bytes read, closed %v", i+1, b.read.Load(), b.closed.Load())
		}
	}
}

// A caller that gives up returns at once, and the renewal that others wait
// for goes on.
func TestCancelEndsOneWaiterOnly(t *testing.T) {
	t.Parallel()
	src := newSource()
	src.gate = make(chan struct{})
	tr := newTransport(t, src, iap.Options{
		Origins: []string{"https://app.example.com"},
		Base: base(func(req *http.Request) (*http.Response, error) {
			if generation(req.Header.Get("Authorization")) == 1 {
				return answer(401, "", GeneratedHeader, "true"), nil
			}
			return answer(200, ""), nil
		}),
	})
	const others = 20
	results := make(chan error, others)
	for range others {
		go func() {
			_, err := tr.RoundTrip(get(t, "https://app.example.com/"))
			results <- err
		}()
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := tr.RoundTrip(get(t, "https://app.example.com/").WithContext(ctx))
		gone <- err
	}()
	for src.asked.Load() < others+1 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the one that gave up: %v", err)
	}
	select {
	case err := <-results:
		t.Fatalf("another one ended too: %v", err)
	default:
	}
	close(src.gate)
	for range others {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if src.renewals.Load() != 1 {
		t.Errorf("%d renewals", src.renewals.Load())
	}
}

// A cancel ends a request that the service does not answer.
func TestCancelEndsARequest(t *testing.T) {
	t.Parallel()
	there := make(chan struct{})
	srv, _ := serve(t, "http", func(w http.ResponseWriter, r *http.Request) {
		close(there)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-there
		cancel()
	}()
	_, err := clientFor(t, newSource(), srv.URL).Do(get(t, srv.URL).WithContext(ctx))
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
