package oidc

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
)

// Whatever a token endpoint answers, there are tokens or an error, no
// panic, and no text of the answer in the error.
func FuzzReadTokens(f *testing.F) {
	const needle = "needleNeedle"
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		a := &answer{endpoint: "token", host: "op.example", status: status, body: body, header: http.Header{"Content-Type": {contentType}}}
		now := time.Unix(1_800_000_000, 0)
		token, err := readTokens(a, now)
		if (token == nil) == (err == nil) {
			t.Fatalf("token %v, error %v", token, err)
		}
		if err != nil {
			var pe *ProviderError
			if !errors.As(err, &pe) || strings.Contains(err.Error(), needle) {
				t.Fatalf("error %T %v", err, err)
			}
			_ = pe.Temporary()
			return
		}
		if status != 200 || !json.Valid(body) {
			t.Fatalf("status %d, token %v of %q", status, token, body)
		}
		if !token.Expiry.IsZero() && (token.Expiry.Before(now) || token.Expiry.After(now.Add(longestLifetime))) {
			t.Fatalf("expiry %s", token.Expiry)
		}
		if c, err := ParseClaims(token.IDToken); err == nil {
			_ = c.check(expectation{provider: Google(), clientID: "x", nonce: "n", now: now})
			_ = c.check(expectation{provider: Google(), clientID: "x", earlier: &c, now: now})
		}
	})
}

// Whatever a client file holds, it is a client that can be written and read
// again, or an error that quotes nothing.
func FuzzParseClientSecrets(f *testing.F) {
	const needle = "needleNeedle"
	f.Fuzz(func(t *testing.T, data []byte) {
		cs, err := ParseClientSecrets(data)
		if err != nil {
			if !errors.Is(err, fault.BadClient) || fault.Hint(err) == "" || strings.Contains(err.Error(), needle) {
				t.Fatalf("error %v", err)
			}
			return
		}
		b, err := cs.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseClientSecrets(b)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, b)
		}
		if len(cs.RedirectURIs) == 0 {
			cs.RedirectURIs = again.RedirectURIs // [] and nothing are the same
		}
		if !reflect.DeepEqual(again, cs) {
			t.Fatalf("read %+v, then %+v", cs, again)
		}
		if c, err := NewClient(cs, ProviderOptions{}); err == nil && c.Issuer() != GoogleIssuer {
			t.Fatalf("a file led to %s", c.Issuer())
		}
	})
}
