package browser

import "testing"

// An Engine is what browsers are made of.
type Engine string

// The engines, by the names of the browsers.
const Chromium Engine = "Chromium"

// Start starts the browser, which ends with t. The theme of Chromium is set by [Tab.Looks].
func (e Engine) Start(t *testing.T, _ Theme) *Browser {
	t.Helper()
	return &Browser{t: t, engine: startChromium(t)}
}
