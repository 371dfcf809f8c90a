package page_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// TestJourney is what a person does on the first day.
func TestJourney(t *testing.T) {
	w := newWorld(t, false)
	w.serve("")
	b := browser.Open(t)
	first := b.Open(w.address)

	first.Sees("No OAuth client is configured yet")
	first.Field("Client ID", w.client.ClientID)
	first.Field("Client secret", w.client.ClientSecret.Reveal())
	first.Click("Save")
	first.Sees("Sign in with Google to continue")

	popup := first.Opens(func() { first.Click("Sign in with Google") })
	first.Sees("Finish in the other window")
	popup.Sees("Choose an account")
	popup.Click(ada)
	popup.Sees("You are signed in as " + ada)
	first.Sees("Signed in as " + ada) // by itself

	var address string
	first.Do("reloading", chromedp.Reload(), chromedp.Location(&address))
	first.Sees("Signed in as " + ada)
	if strings.Contains(address, "key") {
		t.Errorf("the key is still in the address bar: %s", address)
	}
	second := b.Open(w.address)
	second.Sees("Signed in as " + ada)
	second.Click("Sign out")
	second.Sees("Sign in with Google to continue")
	first.Sees("Sign in with Google to continue")
	if st, err := w.session.Status(t.Context()); err != nil || st.State != core.SignedOut {
		t.Errorf("after signing out the session is %v, %v", st.State, err)
	}
	first.Quiet()
	second.Quiet()
}

// TestHistory checks that no entry of the tab's history has the key.
func TestHistory(t *testing.T) {
	w := newWorld(t, true)
	w.serve("")
	tb := browser.Open(t).Open(w.address)
	tb.Sees("Sign in with Google to continue")
	var entries []*page.NavigationEntry
	tb.Do("looking at the history", chromedp.NavigationEntries(new(int64), &entries))
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
	tb := browser.Open(t).Open("about:blank")
	tb.BeforeLoad(`window.open = () => null`)
	tb.Do("opening the page", chromedp.Navigate(w.address))
	other := tb.Opens(func() { tb.Click("Sign in with Google") })
	tb.Sees("The browser did not let a window open")
	tb.Sees("Open this address in any browser")
	other.Click(grace)
	other.Sees("You are signed in as " + grace)
	tb.Sees("Signed in as " + grace)
	tb.Quiet()
}

// TestPaste: the browser ends on a page that cannot be reached, and the person
// pastes its address.
func TestPaste(t *testing.T) {
	w := newWorld(t, true)
	w.serve(`{"remote": true}`)
	tb := browser.Open(t).Open(w.address)
	var href string
	tb.Do("reading the address", chromedp.WaitVisible(browser.Button("Sign in with Google"), chromedp.BySearch),
		chromedp.AttributeValue(browser.Button("Sign in with Google"), "href", &href, nil, chromedp.BySearch))
	redirect, err := w.provider.Authorize(t.Context(), href, ada)
	if err != nil {
		t.Fatal(err)
	}
	popup := tb.Opens(func() { tb.Click("Sign in with Google") }) // opens the box, here
	popup.Sees("Choose an account")
	tb.Field("Did it end on a page", "http://127.0.0.1:1/?code=x\r")
	tb.Sees("That address was not taken.")
	tb.Field("Did it end on a page", redirect+"\r")
	tb.Sees("Signed in as " + ada)
	tb.Quiet()
}

// TestDenied: the person says no at the provider, and yes the next time.
func TestDenied(t *testing.T) {
	w := newWorld(t, true)
	w.serve("")
	tb := browser.Open(t).Open(w.address)
	popup := tb.Opens(func() { tb.Click("Sign in with Google") })
	popup.Click("Deny")
	tb.Sees("The sign-in was refused")
	again := tb.Opens(func() { tb.Click("Sign in with Google") })
	tb.Sees("Finish in the other window")
	if strings.Contains(tb.Text(), "refused") {
		t.Error("the page still says that the sign-in was refused")
	}
	again.Click(ada)
	tb.Sees("Signed in as " + ada)
	tb.Quiet()
}

// TestOpenerPolicy: the provider's page cuts the page's hold on the window. The
// page never asks the window anything.
func TestOpenerPolicy(t *testing.T) {
	w := newWorld(t, true)
	w.serve("")
	tb := browser.Open(t).Open("about:blank")
	tb.BeforeLoad(`const open = window.open; window.open = (...a) => { window.opened = open.apply(window, a); return window.opened }`)
	tb.Do("opening the page", chromedp.Navigate(w.address))
	popup := tb.Opens(func() { tb.Click("Sign in with Google") })
	popup.Sees("Choose an account")
	var closed bool
	tb.Do("looking at the window", chromedp.Poll(`window.opened.closed`, &closed, chromedp.WithPollingTimeout(browser.Patience), chromedp.WithPollingInterval(100*time.Millisecond)))
	if !closed {
		t.Error("the emulator's page does not have Google's opener policy")
	}
	popup.Click(ada)
	tb.Sees("Signed in as " + ada)
}

// TestOnce: the page shows the outcome after the frontend has ended.
func TestOnce(t *testing.T) {
	w := newWorld(t, true)
	w.serve(`{"once": true}`)
	tb := browser.Open(t).Open(w.address)
	popup := tb.Opens(func() { tb.Click("Sign in with Google") })
	popup.Click(ada)
	<-w.done
	if w.err != nil {
		t.Errorf("Run returned %v", w.err)
	}
	tb.Sees("Signed in as " + ada + ". You can close this.")
	popup.Sees("You are signed in as " + ada)
	tb.Quiet()
}
