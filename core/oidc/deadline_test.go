package oidc_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokentoss/tokentoss/core/oidc"
)

// hangs is a provider that never answers.
var hangs = roundTripper(func(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
})

// A caller's deadline holds while the provider is discovered, also for one who waits for
// somebody else's discovery.
func TestDeadlineDuringDiscovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := oidc.NewClient(oidc.ClientSecrets{ClientID: "id"}, oidc.ProviderOptions{Issuer: "https://op.example", Transport: hangs})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		discover := func(timeout, want time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			_, err := c.Provider(ctx)
			var pe *oidc.ProviderError
			if !errors.As(err, &pe) || !errors.Is(err, context.DeadlineExceeded) || pe.Endpoint != "discovery" || pe.Host != "op.example" {
				t.Errorf("error %v", err)
			}
			if took := time.Since(began); took != want {
				t.Errorf("it took %s, want %s", took, want)
			}
		}
		go discover(time.Hour, oidc.RequestTimeout)
		synctest.Wait()
		go discover(3*time.Second, 3*time.Second)
		time.Sleep(time.Minute)
	})
}
