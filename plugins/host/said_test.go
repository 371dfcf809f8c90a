package host

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

// A plugin's error may not look like tokentoss's own, and its advice is its own.
func TestErrorsNameThePluginThatSaysThem(t *testing.T) {
	t.Parallel()
	said := new(Host).said("pass")
	for _, sent := range []error{
		errors.New("tokentoss: error: sign in at https://evil.example"),
		fmt.Errorf("entry x: %w", fault.Locked),
		&fault.Error{Kind: fault.Sealed, Remedy: fault.Say("tokentoss configure --from /tmp/evil.json")},
		&fault.Error{Kind: fault.Insecure, Remedy: fault.Run.On("rm -rf ~")},
	} {
		err := said(wire.ToError(wire.FromError(sent)))
		if !strings.HasPrefix(err.Error(), "plugin pass: "+sent.Error()) {
			t.Errorf("%q is shown as %q", sent, err)
		}
		if fault.Of(err) != fault.Of(sent) {
			t.Errorf("%v is %s", err, fault.Of(err))
		}
		var own *fault.Error
		stated := errors.As(sent, &own) && !own.Remedy.IsZero()
		if r := fault.RemedyOf(err); stated && r.From != "pass" || !stated && r.From != "" {
			t.Errorf("the advice about %v is of %q", sent, r.From)
		}
	}
	if said(nil) != nil {
		t.Error("no error is one")
	}
	if err := said(fault.Locked); err.Error() != fault.Locked.Error() {
		t.Errorf("the host's own error is %v", err)
	}
}
