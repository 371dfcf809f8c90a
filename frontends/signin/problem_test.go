package signin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
)

// A person is told of each kind of fault which it is, in words of the widget's own or
// in the error's.
func TestEveryKindIsToldToAPerson(t *testing.T) {
	t.Parallel()
	for _, row := range fault.Table() {
		p := problemOf(fmt.Errorf("deep: %w", &fault.Error{Kind: row.Kind, Problem: "because"}))
		_, own := sayings[row.Kind]
		if p.Code != string(row.Kind) || p.Message == "" || !own && !strings.Contains(p.Detail, row.Text+": because") {
			t.Errorf("%s: %+v", row.Kind, p)
		}
	}
	for kind := range sayings {
		if !kind.Known() {
			t.Errorf("there are words for %q, which is no kind", kind)
		}
	}
}

// What an error advises beyond what is usual for its kind is said as well.
func TestEveryActionIsToldToAPerson(t *testing.T) {
	t.Parallel()
	for _, action := range fault.Actions() {
		remedy := action.To("SUBJECT", "VALUE")
		if p := problemOf(&fault.Error{Kind: fault.ReadOnly, Remedy: remedy}); !strings.HasSuffix(p.Detail, "; "+remedy.String()) {
			t.Errorf("%+v: %q", remedy, p.Detail)
		}
	}
}
