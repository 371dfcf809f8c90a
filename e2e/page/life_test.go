package page_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/e2e/internal/browser"
	"github.com/tokentoss/tokentoss/emulator"
)

// TestComeBack: a tab that was elsewhere in between still has its key.
func TestComeBack(t *testing.T) {
	w := newWorld(t, true)
	w.serve("")
	tb := browser.Open(t).Open(w.address)
	tb.Sees("Sign in with Google to continue")
	tb.Do("going away and back", chromedp.Navigate("about:blank"), chromedp.NavigateBack())
	tb.Sees("Sign in with Google")
	tb.Quiet()
}

// TestEnd: a page says that tokentoss has ended. The address of the next run, in the
// same tab, goes on.
func TestEnd(t *testing.T) {
	w := newWorld(t, true)
	w.serve("")
	listen := strings.TrimPrefix(w.address[:strings.Index(w.address, "/#")], "http://")
	tb := browser.Open(t).Open(w.address)
	tb.Sees("Sign in with Google to continue")
	w.stop()
	<-w.done
	tb.Sees("tokentoss has ended")
	w.served = serveApp(t, w.session, `{"listen": "`+listen+`"}`)
	tb.Do("reloading", chromedp.Reload())
	tb.Sees("an earlier run")
	tb.Do("opening the next address", chromedp.Navigate(w.address))
	tb.Sees("Sign in with Google")
}

// TestElsewhere: what happens to the session in another program is on the page.
func TestElsewhere(t *testing.T) {
	w := newWorld(t, true)
	w.serve("")
	tb := browser.Open(t).Open(w.address)
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

// TestProviderDown: the person is told, and tries again when it is up.
func TestProviderDown(t *testing.T) {
	w := newWorld(t, true)
	w.provider.SetFault(emulator.Discovery, &emulator.Fault{Reset: true})
	w.serve("")
	tb := browser.Open(t).Open(w.address)
	tb.Sees("Discovery endpoint of")
	tb.Quiet()
	w.provider.SetFault(emulator.Discovery, nil)
	tb.Click("Try again")
	popup := tb.Opens(func() { tb.Click("Sign in with Google") })
	popup.Click(ada)
	tb.Sees("Signed in as " + ada)
}

// TestMarkup: what a provider or a session says is text, and the page's policy would
// not run it.
func TestMarkup(t *testing.T) {
	const markup = `<img src=x onerror="document.title='RAN'">`
	s := newStage(core.Status{State: core.NeedsSignIn, Email: markup, Reason: markup})
	s.err = &oidc.ProviderError{Endpoint: "token", Host: markup, Problem: markup}
	v := serveApp(t, s, "")
	tb := browser.Open(t).Open(v.address)
	tb.Sees("The provider's answer cannot be used")
	tb.Sees("onerror=")
	var title string
	var images int
	tb.Do("looking for markup", chromedp.Title(&title), chromedp.Evaluate(`document.querySelectorAll("main img").length`, &images))
	if title != "tokentoss" || images != 0 {
		t.Errorf("the title is %q, and there are %d images", title, images)
	}
	tb.Quiet()
}
