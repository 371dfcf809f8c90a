//go:build linux

package jupyter_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	cdp "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// An app is a notebook application of the server.
type app string

// The applications.
const (
	lab      app = "JupyterLab"
	notebook app = "Notebook"
)

// A page is a notebook on the screen. Cells are counted from 0.
type page struct {
	*browser.Tab
	desk *desk
	app  app
	path string // of the file
}

// open writes a notebook with these cells, and opens it in an application. Its kernel
// runs when it returns.
func (d *desk) open(a app, cells ...string) *page {
	d.t.Helper()
	return d.openWith(d.name, a, cells...)
}

// openWith is open with a kernel of the server.
func (d *desk) openWith(kernel string, a app, cells ...string) *page {
	d.t.Helper()
	p := &page{desk: d, app: a, path: filepath.Join(d.notes, strings.ToLower(string(a))+".ipynb")}
	writeJSON(d.t, p.path, newNotebook(kernel, cells))
	p.show()
	return p
}

// newNotebook is the file of a notebook without outputs.
func newNotebook(kernel string, cells []string) map[string]any {
	var list []any
	for i, source := range cells {
		list = append(list, map[string]any{"cell_type": "code", "id": fmt.Sprintf("cell-%d", i), "source": source,
			"metadata": map[string]any{}, "outputs": []any{}, "execution_count": nil})
	}
	return map[string]any{"cells": list, "nbformat": 4, "nbformat_minor": 5, "metadata": map[string]any{
		"kernelspec": map[string]any{"name": kernel, "display_name": kernel}}}
}

// show opens the notebook: in the JupyterLab that flows share, which loads for seconds, or in a tab of its own.
func (p *page) show() {
	d := p.desk
	d.t.Helper()
	if p.app == lab && d.server.lab != nil && !d.alone {
		p.share()
		return
	}
	p.Tab = d.browser.Open("about:blank")
	chromedp.ListenTarget(p.Context(), d.secrets.listen)
	chromedp.ListenTarget(p.Context(), p.leave)
	p.Do("watching the messages", network.Enable(), chromedp.EmulateViewport(1200, 1600))
	p.Do("opening the notebook", chromedp.Navigate(p.address()))
	p.ready()
}

// share opens the notebook in the JupyterLab that is there, and takes it off the screen at the end of the test.
func (p *page) share() {
	d := p.desk
	d.t.Helper()
	p.Tab = d.server.lab.For(d.t)
	chromedp.ListenTarget(p.Context(), d.secrets.listen)
	path, _ := filepath.Rel(d.server.root, p.path)
	d.t.Cleanup(func() {
		if d.t.Failed() { // nobody knows what it shows
			d.server.lab = nil
			return
		}
		p.Do("closing the notebook", chromedp.Evaluate(current+`.dispose()`, nil))
	})
	p.Do("opening the notebook", chromedp.Evaluate(fmt.Sprintf(
		`(async () => {
			await jupyterapp.serviceManager.kernelspecs.refreshSpecs(); // this desk's kernel is new
			await jupyterapp.commands.execute("docmanager:open", {path: %q, factory: "Notebook"});
			return true })()`, path), nil, awaited))
	p.ready()
}

// openLab opens the JupyterLab that flows share.
func (s *server) openLab(b *browser.Browser) {
	s.lab = b.Open("about:blank")
	s.lab.Do("opening JupyterLab", network.Enable(), chromedp.EmulateViewport(1200, 1600),
		chromedp.Navigate(s.url+"lab/workspaces/shared?reset&token="+url.QueryEscape(s.token)),
		chromedp.Poll(`!!window.jupyterapp?.shell?.currentWidget`, nil, chromedp.WithPollingTimeout(browser.Patience), chromedp.WithPollingInterval(browser.Look)))
}

func (p *page) address() string {
	s := p.desk.server
	path, _ := filepath.Rel(s.root, p.path)
	query := "?token=" + url.QueryEscape(s.token)
	if p.app == lab {
		return s.url + "lab/workspaces/" + p.desk.name + "/tree/" + path + query + "&reset"
	}
	return s.url + "notebooks/" + path + query
}

// reload loads the page anew, as a person does.
func (p *page) reload() {
	p.desk.t.Helper()
	p.Do("reloading", chromedp.Reload())
	p.ready()
}

// leave says yes when the page asks whether to leave it without saving.
func (p *page) leave(event any) {
	if _, ok := event.(*cdp.EventJavascriptDialogOpening); ok {
		go func() { _ = chromedp.Run(p.Context(), cdp.HandleJavaScriptDialog(true)) }()
	}
}

// current is the panel of the notebook.
const current = `jupyterapp.shell.currentWidget`

// ready waits until the notebook is on the screen and its kernel has nothing to do.
func (p *page) ready() {
	p.desk.t.Helper()
	p.waits("the kernel runs", `window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === "idle" && !!document.querySelector(".jp-Notebook-cell")`)
}

// waits waits until an expression of the page is true.
func (p *page) waits(what, expression string) {
	p.desk.t.Helper()
	p.Do("waiting: "+what, chromedp.Poll(expression, nil, chromedp.WithPollingTimeout(browser.Patience), chromedp.WithPollingInterval(browser.Look)))
}

// cell is the XPath of a cell.
func cell(i int) string {
	return fmt.Sprintf(`(//div[contains(concat(" ", @class, " "), " jp-Notebook-cell ")])[%d]`, i+1)
}

// element is the JavaScript expression of a cell.
func element(i int) string {
	return fmt.Sprintf(`document.querySelectorAll(".jp-Notebook-cell")[%d]`, i)
}

// start runs a cell as a person does: a click on it, and Ctrl+Enter.
func (p *page) start(i int) {
	p.desk.t.Helper()
	key := func(kind input.KeyType) chromedp.Action { // without the character, which the application keeps from the page
		return input.DispatchKeyEvent(kind).WithKey("Enter").WithCode("Enter").WithWindowsVirtualKeyCode(13).WithModifiers(input.ModifierCtrl)
	}
	p.Do(fmt.Sprintf("running cell %d", i),
		// The number of an earlier run, perhaps of an earlier kernel, tells nothing.
		chromedp.Evaluate(fmt.Sprintf(`void (%s.content.widgets[%d].model.executionCount = null)`, current, i), nil))
	// What is above may change its height while the mouse is on its way: to another cell, then.
	for active, end := -1, time.Now().Add(browser.Patience); active != i; {
		p.Press(cell(i) + `//div[contains(@class, "jp-InputPrompt")]`)
		p.Do("looking which cell is active", chromedp.Evaluate(current+`.content.activeCellIndex`, &active))
		if time.Now().After(end) {
			p.desk.t.Fatalf("cell %d does not become the active one", i)
		}
	}
	p.Do("pressing Ctrl+Enter", key(input.KeyRawDown), key(input.KeyUp))
}

// ends waits until a cell that was started has ended, and returns its output.
func (p *page) ends(i int) string {
	p.desk.t.Helper()
	p.waits(fmt.Sprintf("cell %d ends", i), fmt.Sprintf(`/\d/.test(%s?.querySelector(".jp-InputPrompt").innerText)`, element(i)))
	return p.output(i)
}

// run runs a cell to its end and returns its output. An error is an output too.
func (p *page) run(i int) string {
	p.desk.t.Helper()
	p.start(i)
	return p.ends(i)
}

// ok runs a cell that must not end with an error, and must print what is wanted.
func (p *page) ok(i int, want string) {
	p.desk.t.Helper()
	out := p.run(i)
	if strings.Contains(out, "Traceback") || !strings.Contains(out, want) {
		p.desk.t.Fatalf("cell %d printed, and %q was wanted:\n%s", i, want, out)
	}
}

// fresh runs source in a new cell at the end, and returns its output.
func (p *page) fresh(source string) string {
	p.desk.t.Helper()
	var i int
	p.Do("adding a cell", chromedp.Evaluate(fmt.Sprintf(`(async () => {
		const book = %s.content;
		book.activeCellIndex = book.widgets.length - 1;
		await jupyterapp.commands.execute("notebook:insert-cell-below");
		book.activeCell.model.sharedModel.setSource(%q);
		return book.activeCellIndex })()`, current, source), &i, awaited))
	return p.run(i)
}

func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// below is the JavaScript expression of what stands below a cell.
func below(i int) string {
	return fmt.Sprintf(`[...(%s?.querySelectorAll(".jp-OutputArea-output") ?? [])].map((e) => e.innerText).join("\n")`, element(i))
}

// output is what a person can read below a cell.
func (p *page) output(i int) string {
	p.desk.t.Helper()
	var text string
	p.Do("reading the output", chromedp.Evaluate(below(i), &text))
	return text
}

// sees waits until a cell's output has text.
func (p *page) sees(i int, text string) {
	p.desk.t.Helper()
	p.waits(fmt.Sprintf("cell %d shows %q", i, text), fmt.Sprintf(
		`%s.replace(/\s+/g, " ").includes(%q)`, below(i), text))
}

// press clicks a button or link in the output of a cell.
func (p *page) press(i int, text string) {
	p.desk.t.Helper()
	p.Press(cell(i) + browser.Button(text))
}

// fill types into the field of a cell's output whose label begins with text.
func (p *page) fill(i int, text, value string) {
	p.desk.t.Helper()
	path := cell(i) + fmt.Sprintf(`//input[@id = //label[starts-with(., %q)]/@for]`, text)
	p.Do("filling in "+text, chromedp.WaitVisible(path, chromedp.BySearch), chromedp.SendKeys(path, value, chromedp.BySearch))
}

// command executes a command of the application, to its end.
func (p *page) command(name string) {
	p.desk.t.Helper()
	p.Do(name, chromedp.Evaluate(fmt.Sprintf(`jupyterapp.commands.execute(%q).then(() => true)`, name), nil, awaited))
}

// restart restarts the kernel and says yes to the question whether.
func (p *page) restart() {
	p.desk.t.Helper()
	p.Do("restarting the kernel", chromedp.Evaluate(`void (window.restarted = jupyterapp.commands.execute("notebook:restart-kernel"))`, nil))
	p.Do("confirming", chromedp.Click(`.jp-Dialog button.jp-mod-accept`, chromedp.ByQuery),
		chromedp.Evaluate(`window.restarted.then(() => true)`, nil, awaited))
	p.ready()
}

// save saves the notebook and returns the text of its file.
func (p *page) save() string {
	p.desk.t.Helper()
	p.command("docmanager:save")
	data, err := os.ReadFile(p.path)
	if err != nil || !json.Valid(data) {
		p.desk.t.Fatalf("the saved notebook: %v, %d bytes", err, len(data))
	}
	return string(data)
}
