package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap"
)

// transportRounds is how often the three transports take turns.
const transportRounds = 9

// stub answers at once, as a network would not.
type stub struct{}

// RoundTrip implements [http.RoundTripper].
func (stub) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

// source gives one token, as a session does between refreshes.
type source struct{ token core.IDToken }

// IDToken implements [iap.TokenSource], with the look at the clock that a
// session takes.
func (s *source) IDToken(context.Context) (core.IDToken, error) {
	if time.Now().After(s.token.Expiry) {
		return core.IDToken{}, core.ErrSignInNeeded
	}
	return s.token, nil
}

// Renew implements [iap.TokenSource].
func (s *source) Renew(context.Context, core.IDToken) (core.IDToken, error) { return s.token, nil }

// transport compares the time that the IAP transport adds to a request with the
// time that x/oauth2's adds, over the same base.
func transport(int) ([]row, error) {
	text := strings.Repeat("x", 1006)
	expiry := time.Now().Add(time.Hour)
	ours, err := iap.NewTransport(&source{core.IDToken{Value: core.Secret(text), Expiry: expiry}}, iap.Options{
		Origins: []string{"https://service.example.com"}, Base: stub{},
	})
	if err != nil {
		return nil, err
	}
	theirs := &oauth2.Transport{Base: stub{}, Source: oauth2.ReuseTokenSource(
		&oauth2.Token{AccessToken: text, Expiry: expiry}, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: text}))}
	var rows []row
	for _, n := range []int{1, 2, 8, 64} {
		var base, own, other []float64
		for range transportRounds {
			base = append(base, perRequest(stub{}, n))
			own = append(own, perRequest(ours, n))
			other = append(other, perRequest(theirs, n))
		}
		b, o, x := middle(base), middle(own), middle(other)
		rows = append(rows, row{
			fmt.Sprintf("transport, %2d goroutines: added time against x/oauth2's", n), (o - b) / (x - b), 0.6, "x",
			fmt.Sprintf("base %.0f ns, +%.0f ns against +%.0f ns", b, o-b, x-b),
		})
	}
	return rows, nil
}

// perRequest returns the nanoseconds of a request when n goroutines make them.
func perRequest(rt http.RoundTripper, n int) float64 {
	r := testing.Benchmark(func(b *testing.B) {
		var wg sync.WaitGroup
		b.ResetTimer()
		for range n {
			wg.Go(func() {
				req, _ := http.NewRequest(http.MethodGet, "https://service.example.com/", nil)
				for _, name := range []string{"Accept", "User-Agent", "Content-Type", "X-Request-Id"} {
					req.Header.Set(name, "value")
				}
				for range b.N/n + 1 {
					res, err := rt.RoundTrip(req)
					if err != nil {
						panic(err)
					}
					_ = res.Body.Close()
				}
			})
		}
		wg.Wait()
	})
	return float64(r.T.Nanoseconds()) / float64(r.N)
}

func middle(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
