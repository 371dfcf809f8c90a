package page_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tabTo presses the Tab key until what has the focus is called text.
func (tb *tab) tabTo(text string) {
	tb.t.Helper()
	var all []string
	for range 20 {
		var name string
		tb.do("pressing Tab", chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(focused, &name))
		if strings.HasPrefix(name, text) {
			tb.focusShows(text)
			return
		}
		all = append(all, name)
	}
	tb.t.Fatalf("the Tab key does not come to %q, but to %q", text, all)
}

// focused is the name of what has the focus.
const focused = `(() => { const e = document.activeElement; return (e.labels?.[0] ?? e).textContent.trim() })()`

// focusShows checks that a person sees where the focus is.
func (tb *tab) focusShows(text string) {
	tb.t.Helper()
	var outline string
	tb.do("looking at the focus", chromedp.Evaluate(`getComputedStyle(document.activeElement).outlineStyle`, &outline))
	if outline == "none" {
		tb.t.Errorf("the focus cannot be seen on %q", text)
	}
}

// keys types, in what has the focus.
func (tb *tab) keys(text string) {
	tb.t.Helper()
	tb.do("typing", chromedp.KeyEvent(text))
}

// TestKeyboard does all of it without a mouse.
func TestKeyboard(t *testing.T) {
	w := newWorld(t, false)
	w.serve("")
	tb := openBrowser(t).open(w.address)
	tb.sees("No OAuth client is configured yet")
	tb.tabTo("Client ID")
	tb.keys(w.client.ClientID)
	tb.tabTo("Client secret")
	tb.keys(w.client.ClientSecret.Reveal())
	tb.keys(kb.Enter)
	tb.sees("Sign in to go on")
	tb.sees("Sign in with Google")
	tb.tabTo("Sign in with Google")
	popup := tb.opens(func() { tb.keys(kb.Enter) })
	popup.sees("Choose an account")
	popup.keys(kb.Enter) // the first account has the focus
	tb.sees("Signed in as " + ada)
	tb.tabTo("Sign out")
	tb.keys(" ")
	tb.sees("Sign in to go on")
	tb.tabTo("The window does not open")
	tb.keys(kb.Enter)
	tb.tabTo("Open this address")
	tb.tabTo("Copy")
	tb.tabTo("Did it end on a page")
	tb.keys("nonsense" + kb.Enter)
	tb.sees("That address was not taken.")
	tb.tabTo("Cancel")
	tb.keys(kb.Enter)
	tb.sees("Sign in to go on")
	tb.tabTo("Change OAuth client")
	tb.keys(kb.Enter)
	tb.sees("Change the OAuth client")
	tb.tabTo("Back")
	tb.keys(kb.Enter)
	tb.sees("Sign in to go on")
	tb.quiet()
}
