package page_test

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// inThemes starts each browser, with the themes that it can show: WebKitGTK has one from
// its start, and the others change theirs while they run.
func inThemes(t *testing.T, f func(*testing.T, *browser.Browser, ...browser.Theme)) {
	inEngines(t, func(t *testing.T, engine browser.Engine) {
		switch engine {
		case browser.WebKit:
			for _, theme := range []browser.Theme{browser.Light, browser.Dark} {
				t.Run(string(theme), func(t *testing.T) {
					t.Parallel()
					f(t, engine.Start(t, theme), theme)
				})
			}
		default:
			f(t, engine.Start(t, browser.Light), browser.Light, browser.Dark, browser.Forced)
		}
	})
}

// cells are widths of cells, in CSS pixels. The window is wider than all of them.
var cells = []int{220, 600, 1600}

const window = 1700

// cell makes the widget's place as wide as a cell. What sticks out of it is returned.
const cell = `((width) => {
  const place = document.getElementById("widget");
  place.style.width = place.style.maxWidth = width + "px";
  const edge = place.getBoundingClientRect();
  return [...place.querySelectorAll(".tokentoss, .tokentoss *:not(.tt-hidden)")].filter((e) => e.checkVisibility()).filter((e) => {
    const r = e.getBoundingClientRect();
    return r.left < edge.left - .5 || r.right > edge.right + .5 || (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && e.tagName !== "INPUT" && !e.closest("svg"));
  }).map((e) => e.tagName + "." + e.className + " " + e.textContent) })(%d)`

// look takes pictures, and checks what can be checked of them: nothing is wider than
// its cell, no text is faint, and axe-core finds nothing in what a selector names.
func look(t *testing.T, tb *browser.Tab, name, within string) {
	t.Helper()
	for _, width := range cells {
		var wide []string
		tb.Script(fmt.Sprintf(cell, width), &wide)
		if len(wide) > 0 {
			t.Errorf("%s: wider than a cell of %d: %q", name, width, wide)
		}
		tb.Picture(fmt.Sprintf("%s-%d", name, width))
	}
	readable(t, tb, name)
	axe(t, tb, name, within)
}

// readable checks that no text is faint.
func readable(t *testing.T, tb *browser.Tab, name string) {
	t.Helper()
	if pale := tb.Faint("body"); len(pale) > 0 {
		t.Errorf("%s: text is faint: %q", name, pale)
	}
}

// TestGallery looks at every state in each width, and at its colours in each theme.
func TestGallery(t *testing.T) {
	inThemes(t, func(t *testing.T, b *browser.Browser, themes ...browser.Theme) {
		for _, p := range pictures() {
			t.Run(p.name, func(t *testing.T) {
				s := p.stage()
				v := serveApp(t, s, p.settings)
				tb := b.For(t).Open(v.address)
				tb.Looks(window, themes[0])
				tb.Script(noWindow, nil)
				if p.act != nil {
					p.act(tb, s, v)
				}
				tb.Sees(p.sees)
				for _, theme := range themes {
					name := strings.ReplaceAll(t.Name(), "/", "-") + "-" + string(theme)
					if tb.Looks(window, theme); theme == browser.Light {
						look(t, tb, name, "html")
					} else {
						readable(t, tb, name)
						tb.Picture(name)
					}
				}
			})
		}
	})
}

// TestNarrowWindow: the page around the widget is as narrow as a telephone.
func TestNarrowWindow(t *testing.T) {
	tb := browser.Open(t).Open(serveApp(t, out(), "").address)
	tb.Sees("Sign in with Google to continue")
	tb.Looks(320, browser.Light)
	var wide bool
	if tb.Script(`document.documentElement.scrollWidth > innerWidth`, &wide); wide {
		t.Error("the page is wider than its window")
	}
}

// jupyter puts the widget into a cell of JupyterLab.
const jupyter = `(() => { const b = document.body; b.dataset.jpThemeLight = %q; b.style.background = %q; b.style.color = %q;
  b.style.setProperty("--jp-layout-color1", %[2]q); b.style.setProperty("--jp-ui-font-color0", %[3]q);
  b.className = "jp-ThemedContainer v-application theme--light"; document.getElementById("widget").className = "jp-RenderedHTMLCommon";
  document.querySelectorAll("header, footer").forEach((e) => e.remove()) })()`

// A notebookTheme is a theme of JupyterLab. The system has the other.
type notebookTheme struct {
	light           bool
	back, ink, seen string
	google          string // text, ground and edge of Google's button, as its branding guidelines have them
}

var notebookThemes = map[browser.Theme]notebookTheme{
	browser.Dark:  {true, "white", "rgba(0, 0, 0, 1)", "rgb(255, 255, 255)", "rgb(31, 31, 31) rgb(255, 255, 255) rgb(116, 119, 117)"},
	browser.Light: {false, "#111", "rgba(255, 255, 255, 1)", "rgb(17, 17, 17)", "rgb(227, 227, 227) rgb(19, 19, 20) rgb(142, 145, 143)"},
}

// inNotebook shows a widget in a cell of JupyterLab.
func inNotebook(t *testing.T, sees string, stage func() *stage, f func(*testing.T, *browser.Tab, notebookTheme)) {
	inThemes(t, func(t *testing.T, b *browser.Browser, themes ...browser.Theme) {
		for _, system := range themes {
			theme, ok := notebookThemes[system]
			if !ok {
				continue
			}
			tb := b.Open(serveApp(t, stage(), "").address)
			tb.Sees(sees)
			tb.Looks(window, system)
			tb.Script(fmt.Sprintf(jupyter, strconv.FormatBool(theme.light), theme.back, theme.ink), nil)
			f(t, tb, theme)
		}
	})
}

// locked is a stage with a problem.
func locked() *stage {
	s := out()
	s.err = &core.Error{Kind: fault.Sealed, Problem: "the keyring is locked"}
	return s
}

// TestJupyterThemes: in a notebook the notebook's theme counts, not the system's.
func TestJupyterThemes(t *testing.T) {
	inNotebook(t, "is locked", locked, func(t *testing.T, tb *browser.Tab, theme notebookTheme) {
		var surface string
		tb.Script(`getComputedStyle(document.querySelector(".tokentoss")).backgroundColor`, &surface)
		if surface != theme.seen {
			t.Errorf("the widget stands on %s, want %s", surface, theme.seen)
		}
		look(t, tb, strings.ReplaceAll(t.Name(), "/", "-")+theme.seen, "#widget")
	})
}

// hosts are rules of hosts, which do not reach into the widget.
//
//go:embed testdata/hosts.css
var hosts string

// allStyles keeps how all of the widget looks, every property of every element, in what its
// argument names.
const allStyles = `(() => { const all = window[%q] = [];
  for (const e of document.querySelectorAll(".tokentoss, .tokentoss *")) for (const part of ["", "::before", "::after"]) {
    const s = getComputedStyle(e, part);
    for (const p of s) if (!p.startsWith("--") && !/^(transition|animation)|origin$/.test(p)) all.push(e.tagName + "." + e.className + part + " " + p + ": " + s.getPropertyValue(p));
  }
  return all.length })()`

// stylesDiffer are the properties that are not before as they are after.
const stylesDiffer = `before.flatMap((was, i) => was === after[i] ? [] : [was + " is " + after[i]])`

// TestHostStylesDoNotWin: the widget looks as it does without the rules of its host, also
// under the mouse and where the focus is, and can be read.
func TestHostStylesDoNotWin(t *testing.T) {
	inNotebook(t, "Sign in with Google", out, func(t *testing.T, tb *browser.Tab, theme notebookTheme) {
		tb.Script(fmt.Sprintf(cell, 600), nil)
		tb.Until("the address to sign in at", `document.querySelector("a.tt-google[href]")`)
		var google string
		tb.Script(`(() => { const s = getComputedStyle(document.querySelector("a.tt-google")); return [s.color, s.backgroundColor, s.borderTopColor].join(" ") })()`, &google)
		if google != theme.google {
			t.Errorf("Google's button is %s, want %s", google, theme.google)
		}
		tb.Click("The window does not open, or ends on an error?")
		shown := func(when, selector string) (properties int) {
			tb.Hover(selector)
			tb.Script(fmt.Sprintf(`document.querySelector(%q).focus()`, selector), nil)
			if pale := tb.Faint(".tokentoss"); len(pale) > 0 {
				t.Errorf("with the mouse on %s text is faint: %q", selector, pale)
			}
			tb.Script(fmt.Sprintf(allStyles, when), &properties)
			return properties
		}
		for _, selector := range []string{"a.tt-google", "summary", "[type=submit]", ".tt-plain"} {
			tb.Script(`document.adoptedStyleSheets = []`, nil)
			before := shown("before", selector)
			tb.Script(fmt.Sprintf(`void (document.adoptedStyleSheets = [(() => { const s = new CSSStyleSheet(); s.replaceSync(%q); return s })()])`, hosts), nil)
			if after := shown("after", selector); before < 1000 || before != after {
				t.Fatalf("%d properties before and %d after", before, after)
			}
			var differ []string
			if tb.Script(stylesDiffer, &differ); len(differ) > 0 {
				t.Errorf("with the mouse on %s: %d differ: %q", selector, len(differ), differ[:min(len(differ), 20)])
			}
		}
		tb.Picture(strings.ReplaceAll(t.Name(), "/", "-") + theme.seen)
	})
}

// ownWidth: where the host's place is as wide as what is in it, the widget has a width.
func ownWidth(t *testing.T, b *browser.Browser) {
	tb := b.Open(serveApp(t, out(), "").address)
	tb.Sees("Sign in with Google to continue")
	tb.Looks(window, browser.Light)
	for _, place := range []string{
		"display: inline-block", "float: left", "display: flex", "display: inline-flex", "display: inline-grid", "display: table", "position: absolute",
	} {
		var width float64
		tb.Script(fmt.Sprintf(`(() => { document.getElementById("widget").style.cssText = "width: auto; " + %q;
			return document.querySelector(".tokentoss").getBoundingClientRect().width })()`, place), &width)
		if width < 500 || width > 520 {
			t.Errorf("with %s it is %v wide, want 32rem", place, width)
		}
	}
}

// hostTheme: whatever a host calls its theme, the widget is dark where what it stands on is
// dark, and light where that is light; also when it changes, and in a shadow tree.
func hostTheme(t *testing.T, b *browser.Browser) {
	tb := b.Open(serveApp(t, out(), "").address)
	tb.Sees("Sign in with Google to continue")
	tb.Looks(window, browser.Light)
	tb.Script(hostPlaces, nil)
	for _, host := range []struct{ name, change, want string }{
		{"a dark ground", `body.style.background = "#181c1a"`, "dark"},
		{"none", `body.style.background = ""`, "light"},
		{"a dark colour scheme", `root.style.colorScheme = "dark"; root.style.background = body.style.background = body.style.color = "unset"`, "dark"},
		{"a light one", `root.style.colorScheme = "light"`, "light"},
		{"light text on a picture", `body.style.color = "white"`, "dark"},
		{"dark text on a picture", `body.style.color = "black"`, "light"},
		{"a class and a transition", `place.className = "theme--dark"`, "dark"},
		{"no class", `place.className = ""`, "light"},
		{"a ground that can hardly be seen", `place.style.background = "rgb(0 0 0 / .1)"`, "light"},
		{"a dark shadow tree", `body.append(host); host.shadowRoot.append(widget)`, "dark"},
		{"another theme around it", `host.style.background = "white"`, "light"},
	} {
		tb.Script(`(() => { const { root, body, place, host, widget } = places; `+host.change+` })()`, nil)
		tb.Until("the theme with "+host.name+" to be "+host.want, `places.widget.style.colorScheme === "`+host.want+`"`)
	}
}

// hostPlaces are what hosts set their themes on.
const hostPlaces = `(() => {
  const sheet = new CSSStyleSheet(), host = document.createElement("div"), place = document.getElementById("widget");
  sheet.replaceSync("main { transition: background-color .1s } main.theme--dark { background-color: oklch(0.2 0.02 250) }");
  document.adoptedStyleSheets = [sheet];
  host.style.background = "black";
  host.attachShadow({ mode: "open" });
  window.places = { root: document.documentElement, body: document.body, place, host, widget: place.querySelector(".tokentoss") } })()`
