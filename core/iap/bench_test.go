package iap_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap"
)

// A warm source does what a Session does while its token is valid.
type warm struct{ source }

func (s *warm) IDToken(context.Context) (core.IDToken, error) {
	tok := s.cur.Load()
	if !time.Now().Before(tok.Expiry) {
		return core.IDToken{}, context.DeadlineExceeded
	}
	return *tok, nil
}

// stub answers at once.
var stub = base(func(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
})

// stacks are the transports to compare: the stub alone, and with either on top.
func stacks(t testing.TB) map[string]http.RoundTripper {
	src := new(warm)
	tok := tokenOf(1)
	src.cur.Store(&tok)
	return map[string]http.RoundTripper{
		"base": stub,
		"iap":  newTransport(t, src, iap.Options{Origins: []string{"https://app.example.com"}, Base: stub}),
		"oauth2": &oauth2.Transport{Base: stub, Source: oauth2.ReuseTokenSource(
			&oauth2.Token{AccessToken: tok.Value.Reveal(), TokenType: "Bearer", Expiry: tok.Expiry}, nil)},
	}
}

// usual is a request with the headers of a usual client.
func usual(t testing.TB) *http.Request {
	req := get(t, "https://app.example.com/api/items?page=3")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "tokentoss-bench/1.0")
	req.Header.Set("Accept-Language", "en")
	req.Header.Set("X-Request-Id", "0123456789abcdef")
	return req
}

// together sends n requests from g goroutines and returns the time for each.
func together(t testing.TB, rt http.RoundTripper, g, n int) time.Duration {
	var all sync.WaitGroup
	start := time.Now()
	for range g {
		req := usual(t)
		all.Go(func() {
			for range n / g {
				if _, err := rt.RoundTrip(req); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(start) / time.Duration(n/g*g)
}

// BenchmarkTransport shows what a request costs over the stub, for each stack.
func BenchmarkTransport(b *testing.B) {
	for _, name := range []string{"base", "oauth2", "iap"} {
		rt := stacks(b)[name]
		for _, g := range []int{1, 2, 8, 64} {
			b.Run(fmt.Sprintf("%s/g=%d", name, g), func(b *testing.B) {
				b.ReportAllocs()
				b.ResetTimer()
				together(b, rt, g, max(b.N, g))
			})
		}
	}
}

// BenchmarkAddedTime reports the time that this Transport adds to the stub, in
// ns and as a fraction of what x/oauth2's adds: the medians of rounds in which
// the three take turns. The budget is 0.6.
func BenchmarkAddedTime(b *testing.B) {
	const rounds, requests = 15, 20_000
	all := stacks(b)
	for _, g := range []int{1, 2, 8, 64} {
		b.Run(fmt.Sprintf("g=%d", g), func(b *testing.B) {
			// The work is the same whatever b.N is.
			times := map[string][]time.Duration{}
			for range rounds {
				for name, rt := range all { // in random order
					times[name] = append(times[name], together(b, rt, g, requests))
				}
			}
			median := func(name string) float64 {
				slices.Sort(times[name])
				return float64(times[name][rounds/2])
			}
			ours, theirs := median("iap")-median("base"), median("oauth2")-median("base")
			b.ReportMetric(ours, "added-ns")
			b.ReportMetric(theirs, "oauth2-added-ns")
			b.ReportMetric(ours/theirs, "x-oauth2")
		})
	}
}
