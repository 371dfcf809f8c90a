package browser

import (
	"strings"
)

// Keys of the keyboard, for [Tab.Keys].
const (
	TabKey = "\t"
	Enter  = "\r"

	backTab = "\x19" // the Tab key, with Shift
)

// TabTo presses the Tab key until what has the focus is called text.
func (tb *Tab) TabTo(text string) {
	tb.t.Helper()
	tb.press(TabKey, text)
}

// TabBackTo is TabTo with Shift. Firefox does not go from the end of a page to its beginning,
// but to what is around it.
func (tb *Tab) TabBackTo(text string) {
	tb.t.Helper()
	tb.press(backTab, text)
}

func (tb *Tab) press(key, text string) {
	tb.t.Helper()
	var all []string
	for range 20 {
		var name string
		tb.Keys(key)
		tb.Script(focused, &name)
		if strings.HasPrefix(name, text) {
			tb.focusShows(text)
			return
		}
		all = append(all, name)
	}
	tb.t.Fatalf("the Tab key does not come to %q, but to %q", text, all)
}

// focused is the name of what has the focus.
const focused = `(() => { const e = document.activeElement; return (e?.labels?.[0] ?? e)?.textContent.trim() ?? "" })()`

// focusShows checks that a person sees where the focus is (WCAG 2.2, 1.4.11: 3 to 1).
func (tb *Tab) focusShows(text string) {
	tb.t.Helper()
	var ratio float64
	tb.Script(outline, &ratio)
	if ratio < 3 {
		tb.t.Errorf("the focus cannot be seen on %q: its outline is %.1f to 1", text, ratio)
	}
}

// Keys types, in what has the focus.
func (tb *Tab) Keys(text string) {
	tb.t.Helper()
	tb.must("typing", tb.page.keys(text))
}
