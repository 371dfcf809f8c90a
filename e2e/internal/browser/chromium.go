package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// A chromium is a Chromium that runs.
type chromium struct{ ctx context.Context }

// A chromiumPage is one of its tabs.
type chromiumPage struct {
	ctx context.Context

	mu       sync.Mutex
	problems []string
}

// startChromium starts Chromium, which ends with t. Its popup blocker works as it does
// for people, which chromedp's own flags would prevent.
func startChromium(t *testing.T) engine {
	t.Helper()
	path := findChromium(t)
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
	return chromium{ctx}
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

func (c chromium) open(t *testing.T) (page, error) {
	ctx, cancel := chromedp.NewContext(c.ctx)
	return newChromiumPage(t, ctx, cancel)
}

func newChromiumPage(t *testing.T, ctx context.Context, cancel context.CancelFunc) (page, error) {
	t.Cleanup(cancel)
	p := &chromiumPage{ctx: ctx}
	chromedp.ListenTarget(ctx, p.listen)
	return p, run(ctx, log.Enable(), runtime.Enable())
}

// For returns the same tab of Chromium for another test. What the console complains about
// from now on is that test's.
func (tb *Tab) For(t *testing.T) *Tab {
	t.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	t.Cleanup(cancel)
	p := &chromiumPage{ctx: ctx}
	chromedp.ListenTarget(ctx, p.listen)
	return &Tab{t: t, page: p}
}

// listen keeps what the console complains about.
func (p *chromiumPage) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.problems = append(p.problems, e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			p.problems = append(p.problems, fmt.Sprintf("console.%s: %s", e.Type, e.Args[0].Value))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning {
			p.problems = append(p.problems, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

func (p *chromiumPage) complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.problems
}

// run does something within the patience of a person. The first action of a tab must not
// have a deadline: chromedp would end the tab with it.
func run(ctx context.Context, actions ...chromedp.Action) error {
	if err := chromedp.Run(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	return chromedp.Run(ctx, actions...)
}

func (p *chromiumPage) chrome() context.Context { return p.ctx }

func (p *chromiumPage) navigate(address string) error { return run(p.ctx, chromedp.Navigate(address)) }

func (p *chromiumPage) reload() error { return run(p.ctx, chromedp.Reload()) }

func (p *chromiumPage) back() error { return run(p.ctx, chromedp.NavigateBack()) }

func (p *chromiumPage) evaluate(expression string) (json.RawMessage, error) {
	var value []byte
	err := run(p.ctx, chromedp.Evaluate(`(`+expression+`) ?? null`, &value))
	return value, err
}

// click does not click where something has been, or where something else lies: what is
// above it may change its height meanwhile.
func (p *chromiumPage) click(xpath string) error {
	var before, now []float64
	where := chromedp.Evaluate(fmt.Sprintf(clickable, xpath), &now)
	err := run(p.ctx, where)
	for err == nil && (now == nil || !slices.Equal(before, now)) {
		if now == nil {
			return errNotYet
		}
		before, now = now, nil
		err = run(p.ctx, chromedp.Sleep(Look), where)
	}
	if err != nil {
		return err
	}
	return run(p.ctx, chromedp.MouseClickXY(now[0], now[1]))
}

// clickable is where the middle of what an XPath names is, or of its first line, null where
// that is not on the screen or lies under something else.
const clickable = `(() => {
  const e = document.evaluate(%q, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE, null).singleNodeValue;
  if (!e?.checkVisibility()) return null;
  e.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
  const r = e.getClientRects()[0] ?? new DOMRect(-1), x = r.x + r.width / 2, y = r.y + r.height / 2;
  return e.contains(document.elementFromPoint(x, y)) ? [x, y] : null })()`

func (p *chromiumPage) fill(xpath, text string) error {
	return run(p.ctx, chromedp.WaitVisible(xpath, chromedp.BySearch), chromedp.SendKeys(xpath, text, chromedp.BySearch))
}

func (p *chromiumPage) hover(selector string) error {
	return run(p.ctx, chromedp.ScrollIntoView(selector, chromedp.ByQuery), chromedp.ActionFunc(func(ctx context.Context) error {
		var middle []float64
		if err := chromedp.Evaluate(fmt.Sprintf(middleOf, selector), &middle).Do(ctx); err != nil {
			return err
		}
		return chromedp.MouseEvent(input.MouseMoved, middle[0], middle[1]).Do(ctx)
	}))
}

// middleOf is where the middle of what a selector names is.
const middleOf = `(() => { const r = document.querySelector(%q).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()`

func (p *chromiumPage) keys(text string) error {
	if text == backTab {
		return run(p.ctx, chromedp.KeyEvent(TabKey, chromedp.KeyModifiers(input.ModifierShift)))
	}
	return run(p.ctx, chromedp.KeyEvent(text))
}

func (p *chromiumPage) opens(t *testing.T, f func()) (page, error) {
	made := chromedp.WaitNewTarget(p.ctx, func(i *target.Info) bool { return i.Type == "page" })
	f()
	select {
	case id := <-made:
		ctx, cancel := chromedp.NewContext(p.ctx, chromedp.WithTargetID(id))
		return newChromiumPage(t, ctx, cancel)
	case <-time.After(Patience):
		return nil, errors.New("none has opened")
	}
}

func (p *chromiumPage) close() error { return run(p.ctx, cdppage.Close()) }

func (p *chromiumPage) picture(selector string) ([]byte, error) {
	var png []byte
	take := chromedp.FullScreenshot(&png, 100)
	if selector != "" {
		take = chromedp.Screenshot(selector, &png, chromedp.ByQuery)
	}
	err := run(p.ctx, take)
	return png, err
}

func (p *chromiumPage) looks(width int64, theme Theme) error {
	forced := "none"
	if theme == Forced {
		forced, theme = "active", Light
	}
	return run(p.ctx, chromedp.EmulateViewport(width, 900), emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: string(theme)}, {Name: "forced-colors", Value: forced},
	}))
}
