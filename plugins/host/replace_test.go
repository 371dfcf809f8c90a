package host

import (
	"errors"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins"
)

// A name that tokentoss itself has cannot be installed, nor does a name ever change what
// it stands for.
func TestNamesKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	h := &Host{Bundled: []plugins.Plugin{{Info: plugins.Info{Name: "keyring"}}}}
	for _, name := range []string{"file", "memory", "keyring", "tokentoss"} {
		if err := h.checkName(name); !errors.Is(err, fault.Refused) {
			t.Errorf("%s: error %v, want that it is refused", name, err)
		}
	}
	if err := h.checkName("pass"); err != nil {
		t.Errorf("pass: %v", err)
	}
	store := Installed{Description: plugins.Description{Name: "x", Kind: plugins.KindStore}}
	frontend := Installed{Description: plugins.Description{Name: "x", Kind: plugins.KindFrontend}}
	if err := checkReplaces(store, frontend); !errors.Is(err, fault.Refused) || !strings.Contains(err.Error(), "a store of that name is installed, and this is a frontend") {
		t.Errorf("a frontend in place of a store: error %v", err)
	}
	if err := checkReplaces(store, store); err != nil {
		t.Errorf("a store in place of a store: %v", err)
	}
}

// One can go back once, and the same file again is no replacement.
func TestPreviousIsWhatWasReplaced(t *testing.T) {
	t.Parallel()
	first := Installed{Description: plugins.Description{Version: "v1"}, Path: "/1", SHA256: "1"}
	second := Installed{Description: plugins.Description{Version: "v2"}, Path: "/2", SHA256: "2"}.after(first)
	if second.Previous == nil || second.Previous.Version != "v1" || second.Previous.Path != "/1" {
		t.Errorf("after v1: %+v", second.Previous)
	}
	if again := (Installed{Path: "/2", SHA256: "2"}).after(second); again.Previous == nil || again.Previous.Version != "v1" {
		t.Errorf("the same again: %+v", again.Previous)
	}
}
