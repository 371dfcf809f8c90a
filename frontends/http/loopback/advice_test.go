package loopback_test

import (
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
)

// Whatever there is to do, a person is told what, and to what.
func TestEveryActionHasWords(t *testing.T) {
	t.Parallel()
	for _, action := range fault.Actions() {
		for _, remedy := range []fault.Remedy{action.On(""), action.On("SUBJECT"), action.To("SUBJECT", "VALUE")} {
			if got := loopback.Advice(&fault.Error{Kind: fault.BadConfig, Remedy: remedy}); got == "" || strings.Contains(got, "%!") {
				t.Errorf("%+v is said as %q", remedy, got)
			}
		}
	}
	for _, row := range fault.Table() {
		if got := loopback.Advice(row.Kind); got == "" {
			t.Errorf("nothing is said of %s", row.Kind)
		}
	}
}
