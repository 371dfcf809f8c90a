//go:build linux

package hosts_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	cdp "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// deep finds elements wherever they are: marimo, Panel and Bokeh have widgets in shadow
// roots, whose text is no part of the page's.
const deep = `const deep = (root) => [...root.querySelectorAll("*")].flatMap((e) => e.shadowRoot ? [e, ...deep(e.shadowRoot)] : [e]);
const text = () => [document.body, ...deep(document).filter((e) => e.shadowRoot).flatMap((e) => [...e.shadowRoot.children]).filter((e) => !e.matches("style, link, script"))]
	.map((e) => e?.innerText ?? "").join(" ").replace(/\s+/g, " ");
const control = (name) => deep(document).find((e) => e.matches("button, a[href], summary, [role=button]") && e.checkVisibility() && e.textContent.trim().startsWith(name));`

// A visit is a page of a host that a person looks at.
type visit struct {
	*browser.Tab
	place *place
}

// visits opens an address in a browser of the person's own, in which packages that hosts
// would have from a network come from the environment.
func (p *place) visits(b *browser.Browser, address string) *visit {
	p.t.Helper()
	v := &visit{b.Open("about:blank"), p}
	ctx := v.Context()
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *fetch.EventRequestPaused:
			go func() { _ = chromedp.Run(ctx, p.answer(e)) }()
		case *cdp.EventJavascriptDialogOpening:
			go func() { _ = chromedp.Run(ctx, cdp.HandleJavaScriptDialog(true)) }()
		}
	})
	v.Do("opening the page", fetch.Enable().WithPatterns([]*fetch.RequestPattern{{URLPattern: "https://*"}}), chromedp.EmulateViewport(1200, 1400), chromedp.Navigate(address))
	return v
}

// answer is what a network has for a request: anywidget, and nothing else.
func (p *place) answer(e *fetch.EventRequestPaused) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		data, err := os.ReadFile(filepath.Join(p.venv, "share", "jupyter", "nbextensions", "anywidget", "index.js"))
		if err != nil || !strings.Contains(e.Request.URL, "/anywidget@") || strings.HasSuffix(e.Request.URL, "package.json") {
			p.t.Logf("the network has no %s", e.Request.URL)
			return fetch.FailRequest(e.RequestID, network.ErrorReasonInternetDisconnected).Do(ctx)
		}
		return fetch.FulfillRequest(e.RequestID, 200).WithBody(base64.StdEncoding.EncodeToString(data)).WithResponseHeaders([]*fetch.HeaderEntry{
			{Name: "Content-Type", Value: "text/javascript"}, {Name: "Access-Control-Allow-Origin", Value: "*"},
		}).Do(ctx)
	})
}

// until waits until a JavaScript expression is true.
func (v *visit) until(what, expression string) {
	v.place.t.Helper()
	script := fmt.Sprintf(`(() => { %s return !!(%s) })()`, deep, expression)
	var err error
	for end := time.Now().Add(2 * browser.Patience); time.Now().Before(end); time.Sleep(browser.Look) {
		var ok bool
		if err = v.Try(chromedp.Evaluate(script, &ok)); ok {
			return
		}
	}
	var text string
	_ = v.Try(chromedp.Evaluate(fmt.Sprintf(`(() => { %s return text() })()`, deep), &text))
	v.Picture("in-vain")
	v.Quiet()
	v.place.t.Fatalf("waiting in vain: %s (%v)\nthe page shows:\n%s", what, err, text)
}

// sees waits until a person can read a text.
func (v *visit) sees(text string) {
	v.place.t.Helper()
	v.until(fmt.Sprintf("%q", text), fmt.Sprintf(`text().includes(%q)`, text))
}

// press presses what can be pressed and is called name, as a person does: windows may open.
func (v *visit) press(name string) {
	v.place.t.Helper()
	v.until("something called "+name, fmt.Sprintf(`control(%q)`, name))
	v.Do("pressing "+name, chromedp.Evaluate(fmt.Sprintf(`(() => { %s control(%q).click() })()`, deep, name), nil, userGesture))
}

// userGesture has the browser take a script for what a person does.
func userGesture(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithUserGesture(true) }

// href waits for the address to sign in at, and returns it. The page asks for one while
// somebody looks at it.
func (v *visit) href() (address string) {
	v.place.t.Helper()
	v.Do("looking at the page", cdp.BringToFront())
	const armed = `deep(document).find((e) => e.matches(".tt-main[href]"))`
	v.until("an address to sign in at", armed)
	v.Do("reading the address", chromedp.Evaluate(fmt.Sprintf(`(() => { %s return %s.href })()`, deep, armed), &address))
	return address
}

// signIn signs a person in, in the window that opens.
func (v *visit) signIn(email string) {
	v.place.t.Helper()
	v.href()
	v.Opens(func() { v.press("Sign in with Google") }).Click(email)
	v.sees("Signed in as " + email)
}

// close closes the tab as a person does, of which the page is told.
func (v *visit) close() {
	v.place.t.Helper()
	v.Do("closing the tab", cdp.Close())
}
