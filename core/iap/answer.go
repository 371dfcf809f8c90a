package iap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tokentoss/tokentoss/core"
)

// GeneratedHeader is on answers that IAP generated, and on no others
// (https://docs.cloud.google.com/iap/docs/query-parameters-and-headers-howto).
const GeneratedHeader = "X-Goog-Iap-Generated-Response"

// signInHost is where IAP sends a browser that is not signed in.
const signInHost = "accounts.google.com"

// maxErrorBody is how much of a refusal is read: enough to see why, and to use
// the connection again.
const maxErrorBody = 64 << 10

// A verdict is what an answer says about the token.
type verdict int

const (
	accepted verdict = iota // not IAP's business: hand it back
	stale                   // another token may do
	denied                  // no token of this person will do
)

// judge looks at status and headers only. The token that was refused is tok.
func judge(resp *http.Response, p plan, tok *core.IDToken) verdict {
	_, marked := resp.Header[GeneratedHeader]
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		if marked {
			return stale
		}
	case http.StatusForbidden:
		if marked {
			return denied
		}
	case http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect:
		if marked || leadsToSignIn(resp, p, tok.Issuer) {
			return stale
		}
	}
	return accepted
}

// leadsToSignIn tells whether a redirect leads to a sign-in page: Google's, or, with
// guards that are not IAP, that of the provider that issued the token.
func leadsToSignIn(resp *http.Response, p plan, issuer string) bool {
	to, err := resp.Location()
	if err != nil {
		return false
	}
	o, ok := originOf(to.Scheme, to.Host)
	return ok && (o.host == signInHost || o != p.origin && isOf(o, issuer))
}

// isOf tells whether o is the origin of a provider.
func isOf(o origin, issuer string) bool {
	u, err := url.Parse(issuer)
	if err != nil {
		return false
	}
	provider, ok := originOf(u.Scheme, u.Host)
	return ok && provider.host != "" && o == provider
}

// signInPage returns the error of a request that a redirect from elsewhere, such as
// the host of a guard, leads to the sign-in page of the provider that issued the
// token, or nil. It cannot be repeated with another token.
func (t *Transport) signInPage(req *http.Request) error {
	tok, err := t.src.IDToken(req.Context())
	o, ok := originOf(req.URL.Scheme, req.URL.Host)
	if err != nil || !ok || !isOf(o, tok.Issuer) {
		return nil //nolint:nilerr // without a token nobody knows whose page it is
	}
	e := &RefusedError{StatusCode: req.Response.StatusCode, Email: tok.Email, Audience: tok.Audience, Issuer: tok.Issuer}
	if from := req.Response.Request; from != nil && from.URL != nil {
		e.Origin = printable(from.URL)
	}
	return t.logged(req.Context(), e)
}

// refused follows up on resp, the answer v to req with tok: it renews the token
// and repeats the request once, or returns an error. It closes resp.Body unless
// it returns resp.
func (t *Transport) refused(req *http.Request, p plan, tok core.IDToken, resp *http.Response, v verdict) (*http.Response, error) {
	ctx := req.Context()
	var earlier core.Secret
	if v == stale {
		body, again := replay(req)
		if !again && resp.StatusCode == http.StatusUnauthorized {
			return resp, nil
		}
		e := refusal(resp, p, &tok, "")
		if !again {
			// Unlike a 401 it cannot be handed back: http.Client would follow it
			// and return the sign-in page as a success.
			e.OneShot = true
			return nil, t.logged(ctx, e)
		}
		fresh, err := t.renew(ctx, p, &tok, e)
		if err != nil {
			if body != nil {
				body.Close()
			}
			return nil, err
		}
		earlier, tok = tok.Value, fresh
		out := t.signed(req, p, tok.Value)
		out.Body = body
		if resp, err = t.send(req, out); err != nil {
			return resp, err
		}
		if v = judge(resp, p, &tok); v == accepted {
			return resp, nil
		}
	}
	return nil, t.logged(ctx, refusal(resp, p, &tok, earlier))
}

// replay gives the body to send again, and whether req can be sent again.
func replay(req *http.Request) (io.ReadCloser, bool) {
	if req.Body == nil || req.Body == http.NoBody {
		return req.Body, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	return body, err == nil
}

// renew gets a newer token than tok. When there is none to be had, the error is
// e, the refusal of tok.
func (t *Transport) renew(ctx context.Context, p plan, tok *core.IDToken, e *RefusedError) (core.IDToken, error) {
	t.log.LogAttrs(ctx, slog.LevelInfo, "IAP refused the token, renewing it",
		slog.String("origin", e.Origin), slog.Int("status", e.StatusCode), slog.Int("iap_code", e.IAPCode), slog.String("reason", e.Reason))
	fresh, err := t.src.Renew(ctx, *tok)
	switch {
	case errors.Is(err, core.ErrRenewedRecently):
		e.err = err
		return core.IDToken{}, t.logged(ctx, e)
	case err != nil:
		return core.IDToken{}, renewError(p, tok, err)
	case fresh.Value == "":
		return core.IDToken{}, renewError(p, tok, errors.New("the token source gave an empty one"))
	// Not the generation: a session that was signed out and in begins again at 1.
	case fresh.Value == tok.Value:
		return core.IDToken{}, t.logged(ctx, e)
	}
	return fresh, nil
}

func (t *Transport) logged(ctx context.Context, e *RefusedError) error {
	t.log.LogAttrs(ctx, slog.LevelWarn, "IAP refused the request",
		slog.String("origin", e.Origin), slog.Int("status", e.StatusCode), slog.Int("iap_code", e.IAPCode),
		slog.String("reason", e.Reason), slog.Bool("renewed", e.Renewed))
	return e
}

// refusal reads the beginning of resp's body for hints, and closes it. earlier is
// the token that was refused before tok, if one was.
func refusal(resp *http.Response, p plan, tok *core.IDToken, earlier core.Secret) *RefusedError {
	var body []byte
	if resp.Body != nil {
		// What could not be read has no hint; that is no second error.
		body, _ = io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		resp.Body.Close()
	}
	issuer := ""
	if _, marked := resp.Header[GeneratedHeader]; !marked {
		issuer = tok.Issuer
	}
	e := NewRefusedError(resp.StatusCode, p.origin.String(), body, *tok, earlier)
	e.Issuer = issuer
	return e
}

// NewRefusedError makes the error of an answer of IAP that came another way than by a
// [Transport]: its status, the service's origin, the beginning of its body, and the tokens
// that were refused, of which earlier may be empty.
func NewRefusedError(status int, origin string, body []byte, tok core.IDToken, earlier core.Secret) *RefusedError {
	return &RefusedError{
		StatusCode: status,
		Origin:     origin,
		Email:      tok.Email,
		Audience:   tok.Audience,
		IAPCode:    iapCode(body),
		Reason:     reason(body, tok.Value.Reveal(), earlier.Reveal()),
		Renewed:    earlier != "",
	}
}

// iapCode finds N in "Error code N".
func iapCode(body []byte) int {
	_, rest, _ := bytes.Cut(body, []byte("rror code "))
	n := 0
	for n < len(rest) && n < 6 && '0' <= rest[n] && rest[n] <= '9' {
		n++
	}
	code, _ := strconv.Atoi(string(rest[:n]))
	return code
}

const (
	maxReason = 120
	maxWord   = 64 // longer than any client ID's part, shorter than any part of a token
	minSecret = 8  // shorter words may be part of the token by chance
)

// reason finds the text after "Invalid IAP credentials:" and makes it safe to
// show: one line of printable ASCII without markup, and without anything that
// may be a part of a token, should the page repeat it.
func reason(body []byte, token, earlier string) string {
	_, rest, found := bytes.Cut(body, []byte("Invalid IAP credentials:"))
	if !found {
		return ""
	}
	text := strings.TrimSpace(string(rest[:min(len(rest), 4096)]))
	if end := strings.IndexAny(text, "<\r\n"); end >= 0 {
		text = text[:end]
	}
	text = strings.Map(printableASCII, strings.ReplaceAll(text, "&#39;", "'"))
	var b strings.Builder
	for len(text) > 0 {
		n := 0
		for n < len(text) && isBase64URL(text[n]) {
			n++
		}
		if n == 0 {
			b.WriteByte(text[0])
			text = text[1:]
			continue
		}
		if word := text[:n]; n > maxWord || n >= minSecret && (strings.Contains(token, word) || strings.Contains(earlier, word)) {
			b.WriteString("...")
		} else {
			b.WriteString(word)
		}
		text = text[n:]
	}
	out := b.String()
	return strings.TrimSpace(out[:min(len(out), maxReason)])
}

// printableASCII drops everything else, for [strings.Map].
func printableASCII(r rune) rune {
	if r < ' ' || r > '~' {
		return -1
	}
	return r
}

func isBase64URL(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}
