// Package browser drives a real Chromium for tests, as a person does who reads, clicks
// and types.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Patience bounds everything that a person would wait for.
const Patience = time.Minute

// A Browser is a Chromium with a profile of its own.
type Browser struct {
	t   *testing.T
	ctx context.Context
}

// A Tab is a page of a browser, or a window that a page opened.
type Tab struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string // of its console
}

// Open starts Chromium, which ends with t. Its popup blocker works as it
// does for people, which chromedp's own flags would prevent.
func Open(t *testing.T) *Browser {
	t.Helper()
	path := find(t)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(path),
		chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", "en-GB"), chromedp.WSURLReadTimeout(Patience),
	)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("%s does not start: %v", path, err)
	}
	return &Browser{t: t, ctx: ctx}
}

// For returns the same browser for another test, with which its tabs end.
func (b *Browser) For(t *testing.T) *Browser { return &Browser{t: t, ctx: b.ctx} }

func find(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no Chromium here: apt-get install chromium, or make setup")
	return ""
}

// For returns the same tab for another test. What the console complains about from now on is that test's.
func (tb *Tab) For(t *testing.T) *Tab {
	t.Helper()
	ctx, cancel := context.WithCancel(tb.ctx)
	t.Cleanup(cancel)
	other := &Tab{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, other.listen)
	return other
}

// Open opens a tab at address.
func (b *Browser) Open(address string) *Tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	tb := newTab(b.t, ctx, cancel)
	tb.Do("opening the page", chromedp.Navigate(address))
	return tb
}

func newTab(t *testing.T, ctx context.Context, cancel context.CancelFunc) *Tab {
	t.Helper()
	t.Cleanup(cancel)
	tb := &Tab{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, tb.listen)
	tb.Do("watching the console", log.Enable(), runtime.Enable())
	return tb
}

// listen keeps what the console complains about.
func (tb *Tab) listen(event any) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		tb.complaints = append(tb.complaints, e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			tb.complaints = append(tb.complaints, fmt.Sprintf("console.%s: %s", e.Type, e.Args[0].Value))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning {
			tb.complaints = append(tb.complaints, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

// Quiet checks that the console has no complaint.
func (tb *Tab) Quiet() {
	tb.t.Helper()
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if len(tb.complaints) > 0 {
		tb.t.Errorf("the console of the page complains: %s", strings.Join(tb.complaints, "\n"))
	}
}

// Do does something within the patience of a person.
func (tb *Tab) Do(what string, actions ...chromedp.Action) {
	tb.t.Helper()
	if err := tb.Try(actions...); err != nil {
		tb.t.Fatalf("%s: %v\nthe page shows:\n%s", what, err, tb.Text())
	}
}

// Try is Do for what may fail. The first action of a tab must not have a deadline:
// chromedp would end the tab with it.
func (tb *Tab) Try(actions ...chromedp.Action) error {
	if err := chromedp.Run(tb.ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(tb.ctx, Patience)
	defer cancel()
	return chromedp.Run(ctx, actions...)
}

// Text returns what a person can read.
func (tb *Tab) Text() string {
	ctx, cancel := context.WithTimeout(tb.ctx, 5*time.Second)
	defer cancel()
	var text string
	_ = chromedp.Run(ctx, chromedp.Evaluate(`document.body.innerText`, &text))
	return text
}

// Sees waits until text can be read, also on a page that comes later.
func (tb *Tab) Sees(text string) {
	tb.t.Helper()
	expression := fmt.Sprintf(`document.body?.innerText.replace(/\s+/g, " ").includes(%q)`, text)
	poll := chromedp.Poll(expression, nil, chromedp.WithPollingTimeout(Patience),
		chromedp.WithPollingInterval(100*time.Millisecond)) // a tab in the background draws no frames
	err := tb.Try(poll)
	for end := time.Now().Add(Patience); err != nil && strings.Contains(err.Error(), "(-32000)") && time.Now().Before(end); {
		err = tb.Try(poll) // the page went away while it was looked at
	}
	if err != nil {
		tb.t.Fatalf("waiting for %q: %v\nthe page shows:\n%s", text, err, tb.Text())
	}
}

// Button is the XPath of what is called text and can be pressed.
func Button(text string) string {
	return fmt.Sprintf(`//*[(self::button or self::a[@href] or self::summary) and contains(., %q) and not(ancestor-or-self::*[@hidden])]`, text)
}

// Click clicks a button or link as a mouse does.
func (tb *Tab) Click(text string) {
	tb.t.Helper()
	tb.Do("clicking "+text, chromedp.WaitVisible(Button(text), chromedp.BySearch), chromedp.Click(Button(text), chromedp.BySearch))
}

// Field types into the field with a label that begins with text.
func (tb *Tab) Field(text, value string) {
	tb.t.Helper()
	path := fmt.Sprintf(`//input[@id = //label[starts-with(., %q)]/@for]`, text)
	tb.Do("filling in "+text, chromedp.WaitVisible(path, chromedp.BySearch), chromedp.SendKeys(path, value, chromedp.BySearch))
}

// Opens returns the window or tab that doing f opens.
func (tb *Tab) Opens(f func()) *Tab {
	tb.t.Helper()
	made := chromedp.WaitNewTarget(tb.ctx, func(i *target.Info) bool { return i.Type == "page" })
	f()
	select {
	case id := <-made:
		ctx, cancel := chromedp.NewContext(tb.ctx, chromedp.WithTargetID(id))
		return newTab(tb.t, ctx, cancel)
	case <-time.After(Patience):
		tb.t.Fatalf("no window has opened\nthe page shows:\n%s", tb.Text())
		return nil
	}
}

// BeforeLoad runs a script in each document before its own.
func (tb *Tab) BeforeLoad(script string) {
	tb.t.Helper()
	tb.Do("preparing", chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(script).Do(ctx)
		return err
	}))
}

// Looks sets the width of the window, in CSS pixels, and the theme: light or dark.
func (tb *Tab) Looks(width int64, theme string) {
	tb.t.Helper()
	tb.Do("setting the looks", chromedp.EmulateViewport(width, 900),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}))
}

// artifacts returns the directory for pictures.
func artifacts(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("TOKENTOSS_TEST_ARTIFACTS")
	if dir == "" {
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
	var png []byte
	tb.Do("taking a picture", chromedp.FullScreenshot(&png, 100))
	tb.keep(name, png)
}

// PictureOf keeps a screenshot of the first element that a selector names.
func (tb *Tab) PictureOf(name, selector string) {
	tb.t.Helper()
	var png []byte
	tb.Do("taking a picture", chromedp.Screenshot(selector, &png, chromedp.ByQuery))
	tb.keep(name, png)
}

func (tb *Tab) keep(name string, png []byte) {
	tb.t.Helper()
	if err := os.WriteFile(filepath.Join(artifacts(tb.t), name+".png"), png, 0o644); err != nil {
		tb.t.Fatal(err)
	}
}

// Look is how often a page is looked at. One in the background draws no frames.
const Look = 100 * time.Millisecond

// Context is the tab's, for chromedp.
func (tb *Tab) Context() context.Context { return tb.ctx }
