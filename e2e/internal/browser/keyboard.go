package browser

import (
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TabTo presses the Tab key until what has the focus is called text.
func (tb *Tab) TabTo(text string) {
	tb.t.Helper()
	var all []string
	for range 20 {
		var name string
		tb.Do("pressing Tab", chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(focused, &name))
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
func (tb *Tab) focusShows(text string) {
	tb.t.Helper()
	var outline string
	tb.Do("looking at the focus", chromedp.Evaluate(`getComputedStyle(document.activeElement).outlineStyle`, &outline))
	if outline == "none" {
		tb.t.Errorf("the focus cannot be seen on %q", text)
	}
}

// Keys types, in what has the focus.
func (tb *Tab) Keys(text string) {
	tb.t.Helper()
	tb.Do("typing", chromedp.KeyEvent(text))
}
