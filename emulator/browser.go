package emulator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Authorize does what the person with this account does in a browser: it opens authURL, chooses the account on the
// consent page and agrees. It returns where the browser is sent and does not go there. It ignores AutoConsent. When
// the authorization endpoint answers with an error page, the error has its code, such as "redirect_uri_mismatch".
func (e *Emulator) Authorize(ctx context.Context, authURL, email string) (redirect string, err error) {
	return e.decide(ctx, authURL, url.Values{"account": {email}})
}

// Deny is [Emulator.Authorize] for a person who says no; the redirect has error=access_denied.
func (e *Emulator) Deny(ctx context.Context, authURL string) (redirect string, err error) {
	return e.decide(ctx, authURL, url.Values{"decision": {"deny"}})
}

// ApproveDevice does what the person does who types userCode on the device page and agrees.
func (e *Emulator) ApproveDevice(ctx context.Context, userCode, email string) error {
	return e.decideDevicePage(ctx, userCode, url.Values{"account": {email}})
}

// DenyDevice is [Emulator.ApproveDevice] for a person who says no.
func (e *Emulator) DenyDevice(ctx context.Context, userCode string) error {
	return e.decideDevicePage(ctx, userCode, url.Values{"decision": {"deny"}})
}

func (e *Emulator) decide(ctx context.Context, authURL string, answer url.Values) (string, error) {
	b := e.newBrowser()
	first, err := b.visit(ctx, http.MethodGet, authURL, nil)
	if err != nil || first.location != "" {
		return first.location, err
	}
	next, err := b.visit(ctx, http.MethodPost, e.google.url+pathConsent, first.fill(answer))
	if err == nil && next.location == "" {
		err = errors.New("emulator: the consent page did not redirect")
	}
	return next.location, err
}

func (e *Emulator) decideDevicePage(ctx context.Context, userCode string, answer url.Values) error {
	b := e.newBrowser()
	first, err := b.visit(ctx, http.MethodPost, e.google.url+pathDevicePage, url.Values{"user_code": {userCode}})
	if err != nil {
		return err
	}
	_, err = b.visit(ctx, http.MethodPost, e.google.url+pathConsent, first.fill(answer))
	return err
}

// browser keeps cookies and follows nothing.
type browser struct {
	client  *http.Client
	cookies []*http.Cookie
}

func (e *Emulator) newBrowser() *browser {
	transport := &http.Transport{DisableKeepAlives: true}
	if e.authority != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: e.authority.pool, MinVersion: tls.VersionTLS12}
	}
	return &browser{
		cookies: []*http.Cookie{{Name: askCookie, Value: "1"}},
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// visited is what a page showed.
type visited struct{ location, body string }

var (
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	errorCode   = regexp.MustCompile(`<span id="code">([^<]*)</span>`)
)

// fill returns the page's form with the person's answer.
func (v visited) fill(answer url.Values) url.Values {
	for _, m := range hiddenField.FindAllStringSubmatch(v.body, -1) {
		answer.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return answer
}

func (b *browser) visit(ctx context.Context, method, where string, form url.Values) (visited, error) {
	req, err := http.NewRequestWithContext(ctx, method, where, strings.NewReader(form.Encode()))
	if err != nil {
		return visited{}, errors.New("emulator: the page's URL is damaged")
	}
	req.Header.Set("Accept", "text/html,*/*;q=0.8")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range b.cookies {
		req.AddCookie(c)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		if u := new(url.Error); errors.As(err, &u) {
			err = u.Err // without the URL, which has the state
		}
		return visited{}, fmt.Errorf("emulator: open the %s page: %w", req.URL.Path, err)
	}
	defer resp.Body.Close()
	b.cookies = append(b.cookies, resp.Cookies()...)
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	v := visited{resp.Header.Get("Location"), string(body)}
	if err != nil {
		return v, fmt.Errorf("emulator: read the %s page: %w", req.URL.Path, err)
	}
	if resp.StatusCode >= 400 {
		code := "no code"
		if m := errorCode.FindStringSubmatch(v.body); m != nil {
			code = html.UnescapeString(m[1])
		}
		return v, fmt.Errorf("emulator: the %s page answered %d: %s", req.URL.Path, resp.StatusCode, code)
	}
	return v, nil
}
