package wire_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

// What an error of the provider or of the clock says in its fields is said on the
// other side too. The network's own error is in the text alone.
func TestProblemsSurvive(t *testing.T) {
	t.Parallel()
	provider := filled[oidc.ProviderError](t)
	provider.Err = nil
	clock := filled[oidc.ClockError](t)
	m := sent(t, wire.FromError(fmt.Errorf("a sign-in: %w: %w", &provider, &clock)))
	wantFull(t, m.GetProvider(), nil)
	wantFull(t, m.GetClock(), nil)
	err := wire.ToError(m)
	var gotProvider *oidc.ProviderError
	if !errors.As(err, &gotProvider) || !reflect.DeepEqual(*gotProvider, provider) {
		t.Errorf("%#v came back as %#v", provider, gotProvider)
	}
	var gotClock *oidc.ClockError
	if !errors.As(err, &gotClock) || *gotClock != clock {
		t.Errorf("%#v came back as %#v", clock, gotClock)
	}
	if plain := wire.ToError(sent(t, wire.FromError(core.ErrDenied))); errors.As(plain, &gotProvider) || errors.As(plain, &gotClock) {
		t.Error("another error came back as one of the provider or of the clock")
	}
}
