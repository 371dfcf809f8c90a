package cli

import (
	"os/exec"
	"path/filepath"
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
	if _, err := exec.LookPath("/bin/sh"); err != nil {
		t.Skip("there is no POSIX shell")
	}
	out, err := exec.Command("/bin/sh", "-c", script+`; printf %s "$IAP_TOKEN"`).Output()
	if err != nil || string(out) != odd {
		t.Errorf("sh has %q, %v", out, err)
	}
	if got, err := curlConfig(odd, false); err != nil || got != `header = "Authorization: Bearer a'b\"c\\d;$(exit 3)`+"`x`&\"" {
		t.Errorf("curl configuration %s, %v", got, err)
	}
	if script, _ := formatToken("env", "", "eyJ.a-b_c.d", core.IDToken{}, false); strings.ContainsAny(script, `'"\`) {
		t.Errorf("needless quotes: %s", script)
	}
}

// No format passes on a line break or another control character, which would begin
// something else there.
func TestFormatsRefuseControlCharacters(t *testing.T) {
	for _, odd := range []string{"a.b.c\nurl = \"http://x\"", "a.b.c\r\nX: y", "a\x00b", "a\tb", "a\x7fb", "a\u0085b", "a\u2028b"} {
		id := core.IDToken{Value: core.Secret(odd), Expiry: time.Now().Add(time.Hour)}
		for _, format := range tokenFormats {
			for _, target := range []string{"", "https://service.example/"} {
				if text, err := formatToken(format, target, id.Value, id, false); err == nil {
					t.Errorf("%s: %q", format, text)
				}
			}
		}
		if err := writeJar(filepath.Join(t.TempDir(), "jar"), "https://service.example/", id); err == nil {
			t.Errorf("%q is in a cookie jar", odd)
		}
	}
}
