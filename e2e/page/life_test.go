package page_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/e2e/emulator"
)

// TestComeBack: a tab that was elsewhere in between still has its key.
func TestComeBack(t *testing.T) {
	w := newWorld(t, true)
	w.serve("")
	tb := openBrowser(t).open(w.address)
	tb.sees("Sign in to go on")
	tb.do("going away and back", chromedp.Navigate("about:blank"), chromedp.NavigateBack())
	tb.sees("Sign in with Google")
	tb.quiet()
}

// TestEnd: a page says that tokentoss has ended. The address of the next run, in the
// same tab, goes on.
func TestEnd(t *testing.T) {
	w := newWorld(t, true)
	w.serve("")
	listen := strings.TrimPrefix(w.address[:strings.Index(w.address, "/#")], "http://")
	tb := openBrowser(t).open(w.address)
	tb.sees("Sign in to go on")
	w.stop()
	<-w.done
	tb.sees("tokentoss has ended")
	w.served = serveApp(t, w.session, `{"listen": "`+listen+`"}`)
	tb.do("reloading", chromedp.Reload())
	tb.sees("an earlier run")
	tb.do("opening the next address", chromedp.Navigate(w.address))
	tb.sees("Sign in with Google")
}

// TestElsewhere: what happens to the session in another program is on the page.
func TestElsewhere(t *testing.T) {
	w := newWorld(t, true)
	w.serve("")
	tb := openBrowser(t).open(w.address)
	tb.sees("Sign in to go on")
	_, err := w.session.SignIn(t.Context(), core.PrompterFunc(w.browser))
	if err != nil {
		t.Fatal(err)
	}
	tb.sees("Signed in as " + ada)
	if err := w.session.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	tb.sees("Sign in with Google")
	tb.quiet()
}

// TestProviderDown: the person is told, and tries again when it is up.
func TestProviderDown(t *testing.T) {
	w := newWorld(t, true)
	w.provider.SetFault(emulator.Discovery, &emulator.Fault{Reset: true})
	w.serve("")
	tb := openBrowser(t).open(w.address)
	tb.sees("Discovery endpoint of")
	tb.quiet()
	w.provider.SetFault(emulator.Discovery, nil)
	tb.click("Try again")
	popup := tb.opens(func() { tb.click("Sign in with Google") })
	popup.click(ada)
	tb.sees("Signed in as " + ada)
}

// TestMarkup: what a provider or a session says is text, and the page's policy would
// not run it.
func TestMarkup(t *testing.T) {
	const markup = `<img src=x onerror="document.title='RAN'">`
	s := newStage(core.Status{State: core.NeedsSignIn, Email: markup, Reason: markup})
	s.err = &core.ProviderError{Endpoint: "token", Host: markup, Problem: markup}
	v := serveApp(t, s, "")
	tb := openBrowser(t).open(v.address)
	tb.sees("The provider did not accept")
	tb.sees("onerror=")
	var title string
	var images int
	tb.do("looking for markup", chromedp.Title(&title), chromedp.Evaluate(`document.querySelectorAll("main img").length`, &images))
	if title != "tokentoss" || images != 0 {
		t.Errorf("the title is %q, and there are %d images", title, images)
	}
	tb.quiet()
}
