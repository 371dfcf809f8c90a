package browser

import "testing"

// An Engine is what browsers are made of.
type Engine string

// The engines, by the names of the browsers.
const (
	Chromium Engine = "Chromium"
	Firefox  Engine = "Firefox ESR"
	WebKit   Engine = "WebKitGTK"
)

// Engines are all of them.
var Engines = []Engine{Chromium, Firefox, WebKit}

// Start starts the browser, which ends with t. That of WebKitGTK keeps the theme.
func (e Engine) Start(t *testing.T, theme Theme) *Browser {
	t.Helper()
	b := &Browser{t: t}
	switch e {
	case Firefox:
		b.engine = startFirefox(t)
	case WebKit:
		b.engine = startWebKit(t, theme)
	default:
		b.engine = startChromium(t)
	}
	return b
}
