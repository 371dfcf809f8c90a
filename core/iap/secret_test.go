package iap_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap"
)

// No part of the token is in an error, a log, a URL or the printed
// Transport, not even when IAP's page repeats it.
func TestTokenStaysHidden(t *testing.T) {
	t.Parallel()
	token := tokenOf(1).Value.Reveal()
	parts := strings.Split(token, ".")
	pieces := func(n int, sep string) string {
		var b strings.Builder
		for i := 0; i < len(token); i += n {
			b.WriteString(token[i:min(i+n, len(token))] + sep)
		}
		return b.String()
	}
	for name, page := range map[string]string{
		"whole":             "Invalid IAP credentials: bad token " + token,
		"at once":           "Invalid IAP credentials:" + token,
		"quoted":            "Invalid IAP credentials: Bearer='" + token + "'",
		"signature":         "Invalid IAP credentials: signature=" + parts[2],
		"words of it":       "Invalid IAP credentials: " + pieces(20, " "),
		"by control bytes":  "Invalid IAP credentials: " + pieces(7, "\x01"),
		"by other letters":  "Invalid IAP credentials: " + pieces(7, "é"),
		"half a page later": "Invalid IAP credentials: " + strings.Repeat(" ", 4090) + token,
		"last of the page":  "Invalid IAP credentials: " + strings.Repeat("x ", 2044) + token,
		"in the code":       "Error code " + token,
	} {
		for _, status := range []int{401, 403} {
			var log bytes.Buffer
			src := newSource()
			tr := newTransport(t, src, iap.Options{
				Origins: []string{"https://app.example.com"},
				Logger:  slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
				Base: base(func(req *http.Request) (*http.Response, error) {
					if strings.Contains(req.URL.String()+req.Header.Get("Referer")+req.Header.Get("Cookie"), "eyJ") {
						t.Error("the token is in the URL, a Referer or a Cookie")
					}
					return answer(status, page, GeneratedHeader, "true"), nil
				}),
			})
			_, err := (&http.Client{Transport: tr}).Do(get(t, "https://app.example.com/"))
			var re *iap.RefusedError
			if !errors.As(err, &re) || log.Len() == 0 {
				t.Fatalf("%s: %v, log %q", name, err, log.String())
			}
			noToken(t, fmt.Sprintf("%v %+v %#v %s", err, *re, *re, re.Remedy().String()))
			noToken(t, log.String())
			noToken(t, fmt.Sprintf("%v %+v %#v", tr, tr, tr))
			if len(re.Reason) > 120 || strings.ContainsFunc(re.Reason, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%s: reason %q", name, re.Reason)
			}
		}
	}
}

// A token that no header can hold is an error of the base, without the token.
func TestBrokenTokenStaysHidden(t *testing.T) {
	t.Parallel()
	tok := tokenOf(1)
	tok.Value += core.Secret("\r\nX-Injected: 1")
	srv, n := serve(t, "http", func(http.ResponseWriter, *http.Request) {})
	_, err := clientFor(t, scripted{token: tok}, srv.URL).Do(get(t, srv.URL))
	if err == nil || n.Load() != 0 {
		t.Fatalf("%v, %d requests", err, n.Load())
	}
	noToken(t, err.Error())
}

// The useful texts that IAP is known to answer with come through.
func TestReasonAndCode(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]struct {
		reason string
		code   int
	}{
		"Invalid IAP credentials: empty token": {"empty token", 0},
		"Invalid IAP credentials: Invalid JWT audience. The JWT audience claim (aud) in this request doesn&#39;t match\nmore": {"Invalid JWT audience. The JWT audience claim (aud) in this request doesn't match", 0},
		"<html><p>Invalid IAP credentials: Invalid bearer token</p> Error code 900</html>":                                    {"Invalid bearer token", 900},
		"Invalid IAP credentials: aud " + clientID + " is not it":                                                             {"aud " + clientID + " is not it", 0},
		"There was a problem with your request. Error code 9":                                                                 {"", 9},
		"error code 52x":           {"", 52},
		"Error code 123456789":     {"", 123456},
		"Error code none":          {"", 0},
		"":                         {"", 0},
		"Invalid IAP credentials:": {"", 0},
		"Invalid IAP credentials: \x1b[31mred\x07\u202e":          {"[31mred", 0},
		"Invalid IAP credentials: " + strings.Repeat("long ", 50): {strings.TrimSpace(strings.Repeat("long ", 50)[:120]), 0},
		strings.Repeat(" ", 64<<10) + "Error code 9":              {"", 0}, // not read that far
	} {
		tr := newTransport(t, newSource(), iap.Options{
			Origins: []string{"https://app.example.com"},
			Base:    base(func(*http.Request) (*http.Response, error) { return answer(403, page, GeneratedHeader, "true"), nil }),
		})
		_, err := tr.RoundTrip(get(t, "https://app.example.com/"))
		var re *iap.RefusedError
		if !errors.As(err, &re) || re.Reason != want.reason || re.IAPCode != want.code {
			t.Errorf("%.80q: reason %q, code %d", page, re.Reason, re.IAPCode)
		}
	}
}
