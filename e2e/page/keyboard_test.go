package page_test

import (
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// TestKeyboard does all of it without a mouse.
func TestKeyboard(t *testing.T) {
	w := newWorld(t, false)
	w.serve("")
	tb := browser.Open(t).Open(w.address)
	tb.Sees("No OAuth client is configured yet")
	tb.TabTo("Client ID")
	tb.Keys(w.client.ClientID)
	tb.TabTo("Client secret")
	tb.Keys(w.client.ClientSecret.Reveal())
	tb.Keys(kb.Enter)
	tb.Sees("Sign in with Google to continue")
	tb.Sees("Sign in with Google")
	tb.TabTo("Sign in with Google")
	popup := tb.Opens(func() { tb.Keys(kb.Enter) })
	popup.Sees("Choose an account")
	popup.Keys(kb.Enter) // the first account has the focus
	tb.Sees("Signed in as " + ada)
	tb.TabTo("Sign out")
	tb.Keys(" ")
	tb.Sees("Sign in with Google to continue")
	tb.TabTo("The window does not open")
	tb.Keys(kb.Enter)
	tb.TabTo("Open this address")
	tb.TabTo("Copy")
	tb.TabTo("Did it end on a page")
	tb.Keys("nonsense" + kb.Enter)
	tb.Sees("That address was not taken.")
	tb.TabTo("Cancel")
	tb.Keys(kb.Enter)
	tb.Sees("Sign in with Google to continue")
	tb.TabTo("Change OAuth client")
	tb.Keys(kb.Enter)
	tb.Sees("Change the OAuth client")
	tb.TabTo("Back")
	tb.Keys(kb.Enter)
	tb.Sees("Sign in with Google to continue")
	tb.Quiet()
}
