// Package page_test signs people in on the local page, in a real browser.
package page_test

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

// patience bounds everything that a person would wait for.
const patience = 30 * time.Second

// A browser is a Chromium with a profile of its own.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// A tab is a page of a browser, or a window that a page opened.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string // of its console
}

// openBrowser starts Chromium, which ends with t. Its popup blocker works as it
// does for people, which chromedp's own flags would prevent.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	path := findChromium(t)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(path),
		chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", "en-GB"), chromedp.WSURLReadTimeout(patience),
	)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("%s does not start: %v", path, err)
	}
	return &browser{t: t, ctx: ctx}
}

func findChromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no Chromium here: apt-get install chromium, or make setup")
	return ""
}

// open opens a tab at address.
func (b *browser) open(address string) *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	tb := newTab(b.t, ctx, cancel)
	tb.do("opening the page", chromedp.Navigate(address))
	return tb
}

func newTab(t *testing.T, ctx context.Context, cancel context.CancelFunc) *tab {
	t.Helper()
	t.Cleanup(cancel)
	tb := &tab{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, tb.listen)
	tb.do("watching the console", log.Enable(), runtime.Enable())
	return tb
}

// listen keeps what the console complains about.
func (tb *tab) listen(event any) {
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

// quiet checks that the console has no complaint.
func (tb *tab) quiet() {
	tb.t.Helper()
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if len(tb.complaints) > 0 {
		tb.t.Errorf("the console of the page complains: %s", strings.Join(tb.complaints, "\n"))
	}
}

// do does something within the patience of a person.
func (tb *tab) do(what string, actions ...chromedp.Action) {
	tb.t.Helper()
	if err := tb.try(actions...); err != nil {
		tb.t.Fatalf("%s: %v\nthe page shows:\n%s", what, err, tb.text())
	}
}

// try is do for what may fail. The first action of a tab must not have a deadline:
// chromedp would end the tab with it.
func (tb *tab) try(actions ...chromedp.Action) error {
	if err := chromedp.Run(tb.ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, actions...)
}

// text returns what a person can read.
func (tb *tab) text() string {
	ctx, cancel := context.WithTimeout(tb.ctx, 5*time.Second)
	defer cancel()
	var text string
	_ = chromedp.Run(ctx, chromedp.Evaluate(`document.body.innerText`, &text))
	return text
}

// sees waits until text can be read, also on a page that comes later.
func (tb *tab) sees(text string) {
	tb.t.Helper()
	expression := fmt.Sprintf(`document.body?.innerText.replace(/\s+/g, " ").includes(%q)`, text)
	poll := chromedp.Poll(expression, nil, chromedp.WithPollingTimeout(patience),
		chromedp.WithPollingInterval(100*time.Millisecond)) // a tab in the background draws no frames
	err := tb.try(poll)
	for end := time.Now().Add(patience); err != nil && strings.Contains(err.Error(), "(-32000)") && time.Now().Before(end); {
		err = tb.try(poll) // the page went away while it was looked at
	}
	if err != nil {
		tb.t.Fatalf("waiting for %q: %v\nthe page shows:\n%s", text, err, tb.text())
	}
}

// button is the XPath of what is called text and can be pressed.
func button(text string) string {
	return fmt.Sprintf(`//*[(self::button or self::a[@href] or self::summary) and contains(., %q) and not(ancestor-or-self::*[@hidden])]`, text)
}

// click clicks a button or link as a mouse does.
func (tb *tab) click(text string) {
	tb.t.Helper()
	tb.do("clicking "+text, chromedp.WaitVisible(button(text), chromedp.BySearch), chromedp.Click(button(text), chromedp.BySearch))
}

// field types into the field with a label that begins with text.
func (tb *tab) field(text, value string) {
	tb.t.Helper()
	path := fmt.Sprintf(`//input[@id = //label[starts-with(., %q)]/@for]`, text)
	tb.do("filling in "+text, chromedp.WaitVisible(path, chromedp.BySearch), chromedp.SendKeys(path, value, chromedp.BySearch))
}

// opens returns the window or tab that doing f opens.
func (tb *tab) opens(f func()) *tab {
	tb.t.Helper()
	made := chromedp.WaitNewTarget(tb.ctx, func(i *target.Info) bool { return i.Type == "page" })
	f()
	select {
	case id := <-made:
		ctx, cancel := chromedp.NewContext(tb.ctx, chromedp.WithTargetID(id))
		return newTab(tb.t, ctx, cancel)
	case <-time.After(patience):
		tb.t.Fatalf("no window has opened\nthe page shows:\n%s", tb.text())
		return nil
	}
}

// beforeLoad runs a script in each document before its own.
func (tb *tab) beforeLoad(script string) {
	tb.t.Helper()
	tb.do("preparing", chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(script).Do(ctx)
		return err
	}))
}

// looks sets the width of the window, in CSS pixels, and the theme: light or dark.
func (tb *tab) looks(width int64, theme string) {
	tb.t.Helper()
	tb.do("setting the looks", chromedp.EmulateViewport(width, 900),
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

// picture keeps a screenshot.
func (tb *tab) picture(name string) {
	tb.t.Helper()
	var png []byte
	tb.do("taking a picture", chromedp.FullScreenshot(&png, 100))
	if err := os.WriteFile(filepath.Join(artifacts(tb.t), name+".png"), png, 0o644); err != nil {
		tb.t.Fatal(err)
	}
}
