// Package browser drives real browsers for tests, as a person does who reads, clicks and
// types.
package browser

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Patience bounds everything that a person would wait for.
const Patience = time.Minute

// Look is how often a page is looked at. One in the background draws no frames.
const Look = 100 * time.Millisecond

// Errors of pages.
var (
	errNotYet  = errors.New("it is not there, or not yet")
	errNotHere = errors.New("this browser cannot do that in tests")
)

// A Browser is one with a profile of its own.
type Browser struct {
	t      *testing.T
	engine engine
}

// An engine is a browser that runs.
type engine interface {
	open(t *testing.T) (page, error) // a tab without a page
}

// A page is a tab of a browser, or a window that a page opened. What it is asked for, it
// does once: who waits asks again.
type page interface {
	navigate(address string) error // until it is loaded
	reload() error
	back() error
	evaluate(expression string) (json.RawMessage, error) // null where it has no value
	click(xpath string) error                            // in the middle, as a mouse does; errNotYet
	fill(xpath, text string) error                       // types into a field; errNotYet
	hover(selector string) error
	keys(text string) error // \t is the Tab key, and \r Enter
	opens(t *testing.T, f func()) (page, error)
	close() error // by the person
	picture(selector string) ([]byte, error)
	looks(width int64, theme Theme) error
	complaints() []string // of its console
	chrome() context.Context
}

// A Theme is how a person has set the system.
type Theme string

// The themes.
const (
	Light  Theme = "light"
	Dark   Theme = "dark"
	Forced Theme = "forced" // few colours, of the person's own
)

// A Tab is a page that a test looks at.
type Tab struct {
	t    *testing.T
	page page
}

// Open starts Chromium, which ends with t.
func Open(t *testing.T) *Browser {
	t.Helper()
	return Chromium.Start(t, Light)
}

// For returns the same browser for another test, with which its tabs end.
func (b *Browser) For(t *testing.T) *Browser { return &Browser{t: t, engine: b.engine} }

// Open opens a tab at address.
func (b *Browser) Open(address string) *Tab {
	b.t.Helper()
	p, err := b.engine.open(b.t)
	if err != nil {
		b.t.Fatalf("opening a tab: %v", err)
	}
	tb := &Tab{t: b.t, page: p}
	tb.Go(address)
	return tb
}

// must ends the test of which something has failed.
func (tb *Tab) must(what string, err error) {
	tb.t.Helper()
	if err != nil {
		tb.t.Fatalf("%s: %v\nthe page shows:\n%s", what, err, tb.Text())
	}
}

// wait looks until f gives no error.
func wait(f func() error) error {
	for end := time.Now().Add(Patience); ; time.Sleep(Look) {
		if err := f(); err == nil || time.Now().After(end) {
			return err
		}
	}
}

// Go goes to an address.
func (tb *Tab) Go(address string) {
	tb.t.Helper()
	tb.must("opening "+address, tb.page.navigate(address))
}

// Reload loads the page again.
func (tb *Tab) Reload() {
	tb.t.Helper()
	tb.must("reloading", tb.page.reload())
}

// Back goes back in the tab's history.
func (tb *Tab) Back() {
	tb.t.Helper()
	tb.must("going back", tb.page.back())
}

// Close closes the tab or window, as its person does.
func (tb *Tab) Close() {
	tb.t.Helper()
	tb.must("closing", tb.page.close())
}

// Script evaluates an expression in the page, and gives its value to result, if that is
// not nil.
func (tb *Tab) Script(expression string, result any) {
	tb.t.Helper()
	value, err := tb.page.evaluate(expression)
	if err == nil && result != nil {
		err = json.Unmarshal(value, result)
	}
	tb.must("running "+expression, err)
}

// Until waits until an expression is true, also on a page that comes later.
func (tb *Tab) Until(what, expression string) {
	tb.t.Helper()
	tb.must("waiting for "+what, until(tb.page, expression))
}

func until(p page, expression string) error {
	return wait(func() error {
		value, err := p.evaluate("!!(" + expression + ")")
		if err == nil && string(value) != "true" {
			err = errNotYet
		}
		return err
	})
}

// Text returns what a person can read.
func (tb *Tab) Text() string {
	var text string
	if value, err := tb.page.evaluate(`document.body?.innerText ?? ""`); err == nil {
		_ = json.Unmarshal(value, &text)
	}
	return text
}

// Sees waits until text can be read, also on a page that comes later.
func (tb *Tab) Sees(text string) {
	tb.t.Helper()
	tb.Until(fmt.Sprintf("%q", text), fmt.Sprintf(`document.body?.innerText.replace(/\s+/g, " ").includes(%q)`, text))
}

// Button is the XPath of what is called text and can be pressed.
func Button(text string) string {
	return fmt.Sprintf(`//*[(self::button or self::a[@href] or self::summary) and contains(., %q) and not(ancestor-or-self::*[@hidden])]`, text)
}

// Click clicks a button or link as a mouse does.
func (tb *Tab) Click(text string) {
	tb.t.Helper()
	tb.Press(Button(text))
}

// Press clicks what an XPath names as a mouse does.
func (tb *Tab) Press(xpath string) {
	tb.t.Helper()
	tb.must("clicking "+xpath, wait(func() error { return tb.page.click(xpath) }))
}

// Field types into the field with a label that begins with text.
func (tb *Tab) Field(text, value string) {
	tb.t.Helper()
	path := fmt.Sprintf(`//input[@id = //label[starts-with(., %q)]/@for]`, text)
	tb.must("filling in "+text, wait(func() error { return tb.page.fill(path, value) }))
}

// Hover puts the mouse on what a selector names.
func (tb *Tab) Hover(selector string) {
	tb.t.Helper()
	tb.must("hovering over "+selector, tb.page.hover(selector))
}

// Opens returns the window or tab that doing f opens.
func (tb *Tab) Opens(f func()) *Tab {
	tb.t.Helper()
	p, err := tb.page.opens(tb.t, f)
	tb.must("waiting for a window", err)
	return &Tab{t: tb.t, page: p}
}

// Looks sets the width of the window, in CSS pixels, and the theme.
func (tb *Tab) Looks(width int64, theme Theme) {
	tb.t.Helper()
	tb.must("setting the looks", tb.page.looks(width, theme))
}

// Quiet checks that the console has no complaint, where the browser tells.
func (tb *Tab) Quiet() {
	tb.t.Helper()
	if all := tb.page.complaints(); len(all) > 0 {
		tb.t.Errorf("the console of the page complains: %s", strings.Join(all, "\n"))
	}
}

// artifacts returns the directory for pictures, "" where nobody wants any.
func artifacts(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("TOKENTOSS_TEST_ARTIFACTS")
	if dir == "" {
		if f := flag.Lookup("test.artifacts"); f == nil || f.Value.String() != "true" {
			return ""
		}
		return t.ArtifactDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Picture keeps a screenshot.
func (tb *Tab) Picture(name string) {
	tb.t.Helper()
	tb.PictureOf(name, "")
}

// PictureOf keeps a screenshot of the first element that a selector names.
func (tb *Tab) PictureOf(name, selector string) {
	tb.t.Helper()
	dir := artifacts(tb.t)
	if dir == "" {
		return
	}
	png, err := tb.page.picture(selector)
	tb.must("taking a picture", err)
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		tb.t.Fatal(err)
	}
}

// Do does something in Chromium within the patience of a person.
func (tb *Tab) Do(what string, actions ...chromedp.Action) {
	tb.t.Helper()
	tb.must(what, tb.Try(actions...))
}

// Try is Do for what may fail.
func (tb *Tab) Try(actions ...chromedp.Action) error {
	ctx := tb.page.chrome()
	if ctx == nil {
		return errNotHere
	}
	return run(ctx, actions...)
}

// Context is that of a tab of Chromium, for chromedp.
func (tb *Tab) Context() context.Context { return tb.page.chrome() }
