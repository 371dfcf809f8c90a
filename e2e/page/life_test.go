package page_test

import (
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/e2e/internal/browser"
	"github.com/tokentoss/tokentoss/emulator"
)

// comeBack: a tab that was elsewhere in between still has its key.
func comeBack(t *testing.T, b *browser.Browser) {
	w := newWorld(t, true)
	w.serve("")
	tb := b.Open(w.address)
	tb.Sees("Sign in with Google to continue")
	tb.Go("about:blank")
	tb.Back()
	tb.Sees("Sign in with Google")
	tb.Quiet()
}

// messageUnderWay clicks to sign in; the message of that goes on until it breaks.
const messageUnderWay = `(() => {
  const send = window.fetch;
  window.fetch = (to, options) => to === "/message" ? new Promise((_, fail) => { window.breaks = fail }) : send(to, options);
  window.open = () => ({});
  document.querySelector("a.tt-google").click() })()`

// end: a page says that tokentoss has ended. The address of the next run, in the
// same tab, goes on.
func end(t *testing.T, b *browser.Browser) {
	w := newWorld(t, true)
	w.serve("")
	listen := strings.TrimPrefix(w.address[:strings.Index(w.address, "/#")], "http://")
	tb := b.Open(w.address)
	tb.Sees("Sign in with Google to continue")
	tb.Until("the address to sign in at", `document.querySelector("a.tt-google[href]")`)
	tb.Script(messageUnderWay, nil)
	tb.Until("a message that is under way", `window.breaks`)
	w.stop()
	w.ends(t)
	tb.Sees("tokentoss has ended")
	tb.Script(`breaks(new TypeError("connection refused"))`, nil)
	if !strings.Contains(tb.Text(), "tokentoss has ended") {
		t.Errorf("a message that nobody took changed the page to\n%s", tb.Text())
	}
	w.served = serveApp(t, w.session, `{"listen": "`+listen+`"}`)
	tb.Reload()
	tb.Sees("an earlier run")
	tb.Go(w.address)
	tb.Sees("Sign in with Google")
}

// elsewhere: what happens to the session in another program is on the page.
func elsewhere(t *testing.T, b *browser.Browser) {
	w := newWorld(t, true)
	w.serve("")
	tb := b.Open(w.address)
	tb.Sees("Sign in with Google to continue")
	_, err := w.session.SignIn(t.Context(), core.PrompterFunc(w.browser))
	if err != nil {
		t.Fatal(err)
	}
	tb.Sees("Signed in as " + ada)
	if err := w.session.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	tb.Sees("Sign in with Google")
	tb.Quiet()
}

// providerDown: the person is told, and tries again when it is up.
func providerDown(t *testing.T, b *browser.Browser) {
	w := newWorld(t, true)
	w.provider.SetFault(emulator.Discovery, &emulator.Fault{Reset: true})
	w.serve("")
	tb := b.Open(w.address)
	tb.Sees("Discovery endpoint of")
	tb.Quiet()
	w.provider.SetFault(emulator.Discovery, nil)
	tb.Click("Try again")
	popup := tb.Opens(func() { tb.Click("Sign in with Google") })
	popup.Click(ada)
	tb.Sees("Signed in as " + ada)
}

// markup: what a provider or a session says is text, and the page's policy would
// not run it.
func markup(t *testing.T, b *browser.Browser) {
	const bad = `<img src=x onerror="document.title='RAN'">`
	s := newStage(core.Status{State: core.NeedsSignIn, Email: bad, Reason: bad})
	s.err = &oidc.ProviderError{Endpoint: "token", Host: bad, Problem: bad}
	v := serveApp(t, s, "")
	tb := b.Open(v.address)
	tb.Sees("The provider's answer cannot be used")
	tb.Sees("onerror=")
	var title string
	var images int
	tb.Script(`document.title`, &title)
	tb.Script(`document.querySelectorAll("main img").length`, &images)
	if title != "tokentoss" || images != 0 {
		t.Errorf("the title is %q, and there are %d images", title, images)
	}
	tb.Quiet()
}
