package page_test

import (
	"testing"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// keyboard does all of it without a mouse.
func keyboard(t *testing.T, b *browser.Browser) {
	w := newWorld(t, false)
	w.serve("")
	tb := b.Open(w.address)
	tb.Sees("No OAuth client is configured yet")
	tb.TabTo("Client ID")
	tb.Keys(w.client.ClientID)
	tb.TabTo("Client secret")
	tb.Keys(w.client.ClientSecret.Reveal())
	tb.Keys(browser.Enter)
	tb.Sees("Sign in with Google to continue")
	tb.Until("the address to sign in at", `document.querySelector("a.tt-google[href]")`)
	tb.TabTo("Sign in with Google")
	popup := tb.Opens(func() { tb.Keys(browser.Enter) })
	popup.Sees("Choose an account")
	popup.Keys(browser.Enter) // the first account has the focus
	tb.Sees("Signed in as " + ada)
	tb.TabTo("Sign out")
	tb.Keys(" ")
	tb.Sees("Sign in with Google to continue")
	tb.Until("the address to sign in at", `document.querySelector("a.tt-google[href]")`)
	tb.TabTo("The window does not open")
	tb.Keys(browser.Enter)
	tb.TabTo("Open this address")
	tb.TabTo("Copy")
	tb.TabTo("Did it end on a page")
	tb.Keys("nonsense" + browser.Enter)
	tb.Sees("That address was not taken.")
	tb.TabBackTo("Cancel")
	tb.Keys(browser.Enter)
	tb.Sees("Sign in with Google to continue")
	tb.TabTo("Change OAuth client")
	tb.Keys(browser.Enter)
	tb.Sees("Change the OAuth client")
	tb.TabTo("Back")
	tb.Keys(browser.Enter)
	tb.Sees("Sign in with Google to continue")
	tb.Quiet()
}
