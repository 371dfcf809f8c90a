package page_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/tokentoss/tokentoss/core"
)

// TestJourney is what a person does on the first day.
func TestJourney(t *testing.T) {
	w := newWorld(t, false)
	w.serve("")
	b := openBrowser(t)
	first := b.open(w.address)

	first.sees("No OAuth client is configured yet")
	first.field("Client ID", w.client.ClientID)
	first.field("Client secret", w.client.ClientSecret.Reveal())
	first.click("Save")
	first.sees("Sign in to go on")

	popup := first.opens(func() { first.click("Sign in with Google") })
	first.sees("Finish in the other window")
	popup.sees("Choose an account")
	popup.click(ada)
	popup.sees("You are signed in as " + ada)
	first.sees("Signed in as " + ada) // by itself

	var address string
	first.do("reloading", chromedp.Reload(), chromedp.Location(&address))
	first.sees("Signed in as " + ada)
	if strings.Contains(address, "key") {
		t.Errorf("the key is still in the address bar: %s", address)
	}
	second := b.open(w.address)
	second.sees("Signed in as " + ada)
	second.click("Sign out")
	second.sees("Sign in to go on")
	first.sees("Sign in to go on")
	if st, err := w.session.Status(t.Context()); err != nil || st.State != core.SignedOut {
		t.Errorf("after signing out the session is %v, %v", st.State, err)
	}
	first.quiet()
	second.quiet()
}

// TestHistory checks that no entry of the tab's history has the key.
func TestHistory(t *testing.T) {
	w := newWorld(t, true)
	w.serve("")
	tb := openBrowser(t).open(w.address)
	tb.sees("Sign in to go on")
	var entries []*page.NavigationEntry
	tb.do("looking at the history", chromedp.NavigationEntries(new(int64), &entries))
	for _, e := range entries {
		if strings.Contains(e.URL, "key=") {
			t.Errorf("an entry of the history has the key: %s", e.URL)
		}
	}
}

// TestRefusedWindow: the link itself opens a tab, and the page says what to do if it
// does not.
func TestRefusedWindow(t *testing.T) {
	w := newWorld(t, true)
	w.serve("")
	tb := openBrowser(t).open("about:blank")
	tb.beforeLoad(`window.open = () => null`)
	tb.do("opening the page", chromedp.Navigate(w.address))
	other := tb.opens(func() { tb.click("Sign in with Google") })
	tb.sees("The browser did not let a window open")
	tb.sees("Open this address in any browser")
	other.click(grace)
	other.sees("You are signed in as " + grace)
	tb.sees("Signed in as " + grace)
	tb.quiet()
}

// TestPaste: the browser ends on a page that cannot be reached, and the person
// pastes its address.
func TestPaste(t *testing.T) {
	w := newWorld(t, true)
	w.serve(`{"remote": true}`)
	tb := openBrowser(t).open(w.address)
	var href string
	tb.do("reading the address", chromedp.WaitVisible(button("Sign in with Google"), chromedp.BySearch),
		chromedp.AttributeValue(button("Sign in with Google"), "href", &href, nil, chromedp.BySearch))
	redirect, err := w.provider.Authorize(t.Context(), href, ada)
	if err != nil {
		t.Fatal(err)
	}
	popup := tb.opens(func() { tb.click("Sign in with Google") }) // opens the box, here
	popup.sees("Choose an account")
	tb.field("Did it end on a page", "http://127.0.0.1:1/?code=x\r")
	tb.sees("That address was not taken.")
	tb.field("Did it end on a page", redirect+"\r")
	tb.sees("Signed in as " + ada)
	tb.quiet()
}

// TestDenied: the person says no at the provider, and yes the next time.
func TestDenied(t *testing.T) {
	w := newWorld(t, true)
	w.serve("")
	tb := openBrowser(t).open(w.address)
	popup := tb.opens(func() { tb.click("Sign in with Google") })
	popup.click("Deny")
	tb.sees("The sign-in was refused")
	again := tb.opens(func() { tb.click("Sign in with Google") })
	tb.sees("Finish in the other window")
	if strings.Contains(tb.text(), "refused") {
		t.Error("the page still says that the sign-in was refused")
	}
	again.click(ada)
	tb.sees("Signed in as " + ada)
	tb.quiet()
}

// TestOpenerPolicy: the provider's page cuts the page's hold on the window. The
// page never asks the window anything.
func TestOpenerPolicy(t *testing.T) {
	w := newWorld(t, true)
	w.serve("")
	tb := openBrowser(t).open("about:blank")
	tb.beforeLoad(`const open = window.open; window.open = (...a) => { window.opened = open.apply(window, a); return window.opened }`)
	tb.do("opening the page", chromedp.Navigate(w.address))
	popup := tb.opens(func() { tb.click("Sign in with Google") })
	popup.sees("Choose an account")
	var closed bool
	tb.do("looking at the window", chromedp.Poll(`window.opened.closed`, &closed, chromedp.WithPollingTimeout(patience), chromedp.WithPollingInterval(100*time.Millisecond)))
	if !closed {
		t.Error("the emulator's page does not have Google's opener policy")
	}
	popup.click(ada)
	tb.sees("Signed in as " + ada)
}

// TestOnce: the page shows the outcome after the frontend has ended.
func TestOnce(t *testing.T) {
	w := newWorld(t, true)
	w.serve(`{"once": true}`)
	tb := openBrowser(t).open(w.address)
	popup := tb.opens(func() { tb.click("Sign in with Google") })
	popup.click(ada)
	<-w.done
	if w.err != nil {
		t.Errorf("Run returned %v", w.err)
	}
	tb.sees("Signed in as " + ada + ". You can close this.")
	popup.sees("You are signed in as " + ada)
	tb.quiet()
}
