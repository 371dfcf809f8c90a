package cli

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// What a token consists of is its provider's choice where it is an access token.
// A shell and curl take all of it for text.
func TestFormatsQuoteTheToken(t *testing.T) {
	const odd = `a'b"c\d;$(exit 3)` + "`x`&"
	script, err := formatToken("env", "", core.Secret(odd), core.IDToken{Expiry: time.Now()}, true)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("/bin/sh", "-c", script+`; printf %s "$IAP_TOKEN"`).Output()
	if err != nil || string(out) != odd {
		t.Errorf("sh has %q, %v", out, err)
	}
	if got, want := curlConfig(odd, false), `header = "Authorization: Bearer a'b\"c\\d;$(exit 3)`+"`x`&\""; got != want {
		t.Errorf("curl configuration %s, want %s", got, want)
	}
	if script, _ := formatToken("env", "", "eyJ.a-b_c.d", core.IDToken{}, false); strings.ContainsAny(script, `'"\`) {
		t.Errorf("needless quotes: %s", script)
	}
}
