package page_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// journey is what a person does on the first day.
func journey(t *testing.T, b *browser.Browser) {
	w := newWorld(t, false)
	w.serve("")
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

	first.Reload()
	first.Sees("Signed in as " + ada)
	var address string
	first.Script(`location.href`, &address)
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

// refusedWindow: the link itself opens a tab, and the page says what to do if it
// does not.
func refusedWindow(t *testing.T, b *browser.Browser) {
	w := newWorld(t, true)
	w.serve("")
	tb := b.Open(w.address)
	tb.Script(`window.open = () => null`, nil)
	other := tb.Opens(func() { tb.Click("Sign in with Google") })
	tb.Sees("The browser did not let a window open")
	tb.Sees("Open this address in any browser")
	other.Click(grace)
	other.Sees("You are signed in as " + grace)
	tb.Sees("Signed in as " + grace)
	tb.Quiet()
}

// paste: the browser ends on a page that cannot be reached, and the person
// pastes its address.
func paste(t *testing.T, b *browser.Browser) {
	w := newWorld(t, true)
	w.serve(`{"remote": true}`)
	tb := b.Open(w.address)
	var href string
	tb.Until("the address to sign in at", `document.querySelector("a.tt-google[href]")`)
	tb.Script(`document.querySelector("a.tt-google").href`, &href)
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

// denied: the person says no at the provider, and yes the next time.
func denied(t *testing.T, b *browser.Browser) {
	w := newWorld(t, true)
	w.serve("")
	tb := b.Open(w.address)
	popup := tb.Opens(func() { tb.Click("Sign in with Google") })
	popup.Click("Deny")
	tb.Sees("The sign-in was refused")
	again := tb.Opens(func() { tb.Click("Sign in with Google") })
	tb.Sees("Finish in the other window")
	tb.Until("the page no longer to say that the sign-in was refused", `!document.body.innerText.includes("refused")`)
	again.Click(ada)
	tb.Sees("Signed in as " + ada)
	tb.Quiet()
}

// closedWindow: the person closes the window, is told what to do, gives up, and begins
// again.
func closedWindow(t *testing.T, b *browser.Browser) {
	w := newWorld(t, true)
	w.serve("")
	tb := b.Open(w.address)
	popup := tb.Opens(func() { tb.Click("Sign in with Google") })
	popup.Sees("Choose an account")
	popup.Close()
	tb.Script(`window.dispatchEvent(new Event("focus"))`, nil) // nobody is before this screen
	tb.Sees("If that window is gone, open it again, or cancel.")
	tb.Click("Cancel")
	tb.Sees("Sign in with Google to continue")
	again := tb.Opens(func() { tb.Click("Sign in with Google") })
	again.Click(ada)
	tb.Sees("Signed in as " + ada)
	tb.Quiet()
}

// openerPolicy: the provider's page cuts the page's hold on the window. The
// page never asks the window anything.
func openerPolicy(t *testing.T, b *browser.Browser) {
	w := newWorld(t, true)
	w.serve("")
	tb := b.Open(w.address)
	tb.Script(`(() => { const open = window.open; window.open = (...a) => (window.opened = open.apply(window, a)) })()`, nil)
	popup := tb.Opens(func() { tb.Click("Sign in with Google") })
	popup.Sees("Choose an account")
	tb.Until("a window that seems to be closed", `window.opened.closed`) // as Google's page has it
	popup.Click(ada)
	tb.Sees("Signed in as " + ada)
}

// once: the page shows the outcome after the frontend has ended.
func once(t *testing.T, b *browser.Browser) {
	w := newWorld(t, true)
	w.serve(`{"once": true}`)
	tb := b.Open(w.address)
	popup := tb.Opens(func() { tb.Click("Sign in with Google") })
	popup.Click(ada)
	w.ends(t)
	if w.err != nil {
		t.Errorf("Run returned %v", w.err)
	}
	tb.Sees("Signed in as " + ada + ". You can close this.")
	popup.Sees("You are signed in as " + ada)
	tb.Quiet()
}
