package browser

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A carrier takes the commands of WebDriver (https://www.w3.org/TR/webdriver2/) to a
// browser, and their answers back. It is for one goroutine.
type carrier interface {
	call(command string, parameters map[string]any) (json.RawMessage, error)

	// looks changes the theme, for which WebDriver has no command.
	looks(theme Theme) error
}

// A webDriver is a browser that runs, with a session of WebDriver.
type webDriver struct {
	mu      sync.Mutex
	carrier carrier
	first   string // the window that it began with, which stays
	window  string // which the commands are for
}

// newWebDriver is the browser of a session that has begun.
func newWebDriver(t *testing.T, c carrier) *webDriver {
	t.Helper()
	d := &webDriver{carrier: c}
	if err := d.ask(&d.first, "GetWindowHandle", nil); err != nil {
		t.Fatalf("the browser has no window: %v", err)
	}
	return d
}

// A webDriverPage is one of its tabs.
type webDriverPage struct {
	d      *webDriver
	window string
}

// elementKey has the reference of an element (section 12).
const elementKey = "element-6066-11e4-a52e-4f735466cecf"

func (d *webDriver) open(t *testing.T) (page, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.enter(d.first); err != nil {
		return nil, err
	}
	// A tab would be hidden.
	var made struct{ Handle string }
	if err := d.ask(&made, "NewWindow", map[string]any{"type": "window"}); err != nil {
		return nil, err
	}
	return d.page(t, made.Handle), nil
}

// page is that of a window, which ends with t.
func (d *webDriver) page(t *testing.T, window string) page {
	p := &webDriverPage{d: d, window: window}
	t.Cleanup(func() { _ = p.close() }) // its person may have closed it
	return p
}

// ask gives what a command answers to result, if that is not nil.
func (d *webDriver) ask(result any, command string, parameters map[string]any) error {
	if parameters == nil {
		parameters = map[string]any{}
	}
	value, err := d.carrier.call(command, parameters)
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal(value, result)
}

// do is ask, in the page's window.
func (p *webDriverPage) do(result any, command string, parameters map[string]any) error {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	if err := p.d.enter(p.window); err != nil {
		return err
	}
	return p.d.ask(result, command, parameters)
}

// enter makes a window that of the commands that follow. Its caller has the lock.
func (d *webDriver) enter(window string) error {
	if d.window == window {
		return nil
	}
	err := d.ask(nil, "SwitchToWindow", map[string]any{"handle": window})
	if err == nil {
		d.window = window
	}
	return err
}

// navigate also waits for the first answer of the page: WebKitGTK may lose a command that
// meets the change from one process to another.
func (p *webDriverPage) navigate(address string) error {
	if err := p.do(nil, "Navigate", map[string]any{"url": address}); err != nil {
		return err
	}
	return wait(func() error {
		_, err := p.evaluate("document.readyState")
		return err
	})
}

func (p *webDriverPage) reload() error { return p.do(nil, "Refresh", nil) }

func (p *webDriverPage) back() error { return p.do(nil, "Back", nil) }

func (p *webDriverPage) evaluate(expression string) (value json.RawMessage, err error) {
	err = p.do(&value, "ExecuteScript", map[string]any{"script": "return (" + expression + ") ?? null", "args": []any{}})
	return value, err
}

// element does something with the first element that a locator names.
func (p *webDriverPage) element(using, locator string, result any, command string, parameters map[string]any) error {
	var element map[string]string
	if err := p.do(&element, "FindElement", map[string]any{"using": using, "value": locator}); err != nil {
		return err
	}
	if parameters == nil {
		parameters = map[string]any{}
	}
	parameters["id"] = element[elementKey]
	return p.do(result, command, parameters)
}

func (p *webDriverPage) click(xpath string) error {
	return p.element("xpath", xpath, nil, "ElementClick", nil)
}

// fill pastes what is long, and types the rest: a key takes WebKitGTK a tenth of a second on a
// busy machine, and its driver has an end to its patience, and then its own.
func (p *webDriverPage) fill(xpath, text string) error {
	const long = 30
	if pasted := strings.TrimSuffix(text, Enter); len(pasted) > long {
		var there bool
		value, err := p.evaluate(fmt.Sprintf(paste, xpath, pasted))
		if err == nil {
			err = json.Unmarshal(value, &there)
		}
		if err == nil && !there {
			err = errNotYet
		}
		if text = text[len(pasted):]; err != nil || text == "" {
			return err
		}
	}
	return p.element("xpath", xpath, nil, "ElementSendKeys", map[string]any{"text": typed.Replace(text)})
}

// paste puts text into the field that an XPath names, and tells whether that is on the screen.
const paste = `((e, text) => {
  if (!e?.checkVisibility()) return false;
  e.focus();
  e.value = text;
  return e.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertFromPaste", data: text }));
})(document.evaluate(%q, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE, null).singleNodeValue, %q)`

func (p *webDriverPage) hover(selector string) error {
	if _, err := p.evaluate(fmt.Sprintf(`document.querySelector(%q).scrollIntoView({ block: "nearest" })`, selector)); err != nil {
		return err
	}
	value, err := p.evaluate(fmt.Sprintf(middleOf, selector))
	if err != nil {
		return err
	}
	var middle []float64
	if err := json.Unmarshal(value, &middle); err != nil {
		return err
	}
	return p.act("pointer", map[string]any{"type": "pointerMove", "x": int(middle[0]), "y": int(middle[1])})
}

// act performs actions of one input device.
func (p *webDriverPage) act(device string, actions ...map[string]any) error {
	return p.do(nil, "PerformActions", map[string]any{"actions": []any{map[string]any{"type": device, "id": device, "actions": actions}}})
}

// typed has the keys that are no characters (section 17.4.2).
var typed = strings.NewReplacer(TabKey, "\uE004", Enter, "\uE006")

const shift = '\uE008'

func (p *webDriverPage) keys(text string) error {
	var actions []map[string]any
	turn := func(direction string, key rune) {
		actions = append(actions, map[string]any{"type": direction, "value": string(key)})
	}
	shifted := text == backTab
	if shifted {
		turn("keyDown", shift)
		text = TabKey
	}
	for _, key := range typed.Replace(text) {
		turn("keyDown", key)
		turn("keyUp", key)
	}
	if shifted {
		turn("keyUp", shift)
	}
	return p.act("key", actions...)
}

// windows are those that are open.
func (d *webDriver) windows() (all []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return all, d.ask(&all, "GetWindowHandles", nil)
}

func (p *webDriverPage) opens(t *testing.T, f func()) (page, error) {
	before, err := p.d.windows()
	if err != nil {
		return nil, err
	}
	f()
	var window string
	err = wait(func() error {
		now, err := p.d.windows()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(now, func(w string) bool { return !slices.Contains(before, w) })
		if i < 0 {
			return errNotYet
		}
		window = now[i]
		return nil
	})
	return p.d.page(t, window), err
}

func (p *webDriverPage) close() error {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	if err := p.d.enter(p.window); err != nil {
		return err
	}
	p.d.window = ""
	return p.d.ask(nil, "CloseWindow", nil)
}

// picture is of the page as it is now: WebKitGTK would give the last one that it has drawn.
func (p *webDriverPage) picture(selector string) ([]byte, error) {
	var picture string
	_, err := p.evaluate(`(() => { window.drawn = false; requestAnimationFrame(() => requestAnimationFrame(() => { window.drawn = true })) })()`)
	if err == nil {
		err = until(p, `window.drawn`)
	}
	if err != nil {
		return nil, err
	}
	if selector == "" {
		err = p.do(&picture, "TakeScreenshot", map[string]any{"full": false})
	} else {
		err = p.element("css selector", selector, &picture, "TakeElementScreenshot", map[string]any{"full": false})
	}
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(picture)
}

func (p *webDriverPage) looks(width int64, theme Theme) error {
	p.d.mu.Lock()
	err := p.d.carrier.looks(theme)
	p.d.mu.Unlock()
	if err != nil {
		return err
	}
	return p.do(nil, "SetWindowRect", map[string]any{"width": width, "height": 900})
}

func (p *webDriverPage) complaints() []string { return nil } // WebDriver has no command for them

func (p *webDriverPage) chrome() context.Context { return nil }
