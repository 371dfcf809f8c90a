package device_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/device"
	"github.com/tokentoss/tokentoss/core/oidc"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The time that a person has counts from the beginning: a provider that hangs while it
// is discovered does not add to it.
func TestTimeoutHoldsDuringDiscovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hangs := roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		client, err := oidc.NewClient(oidc.ClientSecrets{ClientID: "id"}, oidc.ProviderOptions{Issuer: "https://op.example", Transport: hangs})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = device.New(device.Options{Timeout: 3 * time.Second})(client).SignIn(t.Context(), core.PrompterFunc(func(context.Context, core.Prompt) (string, error) {
			t.Error("somebody was prompted")
			return "", nil
		}))
		if took := time.Since(began); took != 3*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v after %s, want the end of 3 seconds", err, took)
		}
	})
}
