//go:build linux

package jupyter_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
	"github.com/tokentoss/tokentoss/e2e/internal/suite"
)

// TestGoNB is what a person does with a Go notebook, where GoNB's channel reaches the
// browser.
func TestGoNB(t *testing.T) {
	suite.Need(t, suite.Hosts)
	s := startServer(t, "/")
	b := browser.Open(t)
	t.Run("first day in JupyterLab", func(t *testing.T) {
		d := newGoDesk(t, s, b, nil)
		goFirstDay(t, d, lab, d.documented())
	})
	t.Run("first day in Notebook", func(t *testing.T) {
		d := newGoDesk(t, s, b, nil)
		goFirstDay(t, d, notebook, example(t, "go.ipynb", d.provider.IAPURL())[1:]) // without go get
	})
	t.Run("refused window", func(t *testing.T) { goRefusedWindow(t, newGoDesk(t, s, b, nil).configured()) })
	t.Run("paste", func(t *testing.T) {
		goPaste(t, newGoDesk(t, s, b, map[string]string{"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}).configured())
	})
	t.Run("interrupt", func(t *testing.T) { goInterrupt(t, newGoDesk(t, s, b, nil).configured()) })
	t.Run("restart", func(t *testing.T) { goRestart(t, newGoDesk(t, s, b, nil).configured()) })
	t.Run("kill", func(t *testing.T) { goKill(t, newGoDesk(t, s, b, nil).configured()) })
	t.Run("nobody", func(t *testing.T) { goNobody(t, newGoDesk(t, s, b, nil).configured()) })
}

// goFirstDay runs the documentation's cells: configure, sign in by a click and a popup,
// and call in the next cell.
func goFirstDay(t *testing.T, d *goDesk, a app, cells []string) {
	p := d.openGo(a, cells...)
	p.startWidget(1)
	p.sees(1, "No OAuth client is configured yet")
	p.Field("Client ID", d.client.ClientID)
	p.Field("Client secret", d.client.ClientSecret.Reveal())
	p.press(1, "Save")
	if out := p.ends(1); !strings.Contains(out, "tokentoss: the OAuth client is saved.") {
		t.Errorf("after Configure the output is:\n%s", out)
	}
	p.wantNoControl(1)

	p.startWidget(2)
	d.link(p, 2)
	p.Picture("gonb-" + string(a))
	p.wantClean(d) // also while the cell runs
	popup := p.Opens(func() { p.press(2, "Sign in with Google") })
	p.sees(2, "Finish in the other window")
	popup.Click(ada)
	if out := p.ends(2); !strings.Contains(out, "tokentoss: signed in.") {
		t.Errorf("after SignIn the output is:\n%s", out)
	}
	p.wantNoControl(2)
	p.ok(3, `200 OK {"value": 42}`) // with the session
	if text := p.wantClean(d); strings.Contains(text, "<script") {
		t.Error("a script is left in the notebook")
	}
	// The session is there for a notebook that runs by itself, too.
	if out := d.nbconvert("call.ipynb", d.callCell()); !strings.Contains(out, "200 OK") {
		t.Errorf("the notebook that ran by itself has:\n%s", out)
	}
	d.secrets.wantNone(t)
	for _, kind := range []string{"code", "state", "verifier", "client secret", "ID token", "refresh token"} {
		if !strings.Contains(strings.Join(d.secrets.known(), ", "), kind) {
			t.Errorf("no %s was looked for", kind)
		}
	}
}

// documented returns the cells of the documentation, for the service behind IAP.
func (d *goDesk) documented() (cells []string) {
	d.t.Helper()
	text, err := os.ReadFile("../../docs/go-notebooks.md")
	if err != nil {
		d.t.Fatal(err)
	}
	for _, part := range strings.Split(string(text), "```go\n")[1:] {
		cell, _, _ := strings.Cut(part, "```")
		cells = append(cells, strings.ReplaceAll(cell, "https://my-service.run.app", d.provider.IAPURL()))
	}
	if len(cells) != 3 {
		d.t.Fatalf("the documentation has %d cells", len(cells))
	}
	return cells
}

// goRefusedWindow: the link itself opens a tab.
func goRefusedWindow(t *testing.T, d *goDesk) {
	p := d.openGo(lab, d.callCell())
	p.Do("refusing windows", chromedp.Evaluate(`void (window.open = () => null)`, nil))
	p.startWidget(1)
	tab := p.Opens(func() { p.press(1, "Sign in with Google") })
	p.sees(1, "The browser did not let a window open")
	tab.Click(grace)
	if out := p.ends(1); !strings.Contains(out, "200 OK") {
		t.Errorf("the output is:\n%s", out)
	}
	p.wantClean(d)
}

// goPaste: the kernel is remote, and the browser ends on a page that it cannot reach.
func goPaste(t *testing.T, d *goDesk) {
	p := d.openGo(lab, d.callCell())
	p.startWidget(1)
	redirect, err := d.provider.Authorize(t.Context(), d.link(p, 1), ada)
	if err != nil {
		t.Fatal(err)
	}
	p.Opens(func() { p.press(1, "Sign in with Google") }) // opens the box, here
	p.Field("Did it end on a page", "http://127.0.0.1:1/?code=x\r")
	p.sees(1, "That address was not taken.")
	p.Field("Did it end on a page", redirect+"\r")
	if out := p.ends(1); !strings.Contains(out, "200 OK") {
		t.Errorf("the output is:\n%s", out)
	}
	p.wantClean(d)
}

// goNobody: what runs whole notebooks has nobody to ask.
func goNobody(t *testing.T, d *goDesk) {
	out := d.nbconvert("nobody.ipynb", d.callCell(), goCell(`fmt.Println("configured:", gonb.Configure(ctx))`))
	for _, want := range []string{"no person: true", "this notebook runs by itself", "run tokentoss login", "run tokentoss configure"} {
		if !strings.Contains(out, want) {
			t.Errorf("the notebook does not have %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "Sign in with Google") || strings.Contains(out, "<script") {
		t.Errorf("something is shown, and there is nobody:\n%s", out)
	}
	d.secrets.wantNone(t)
}

// nbconvert executes a notebook of these cells, and returns the text of the file.
func (d *goDesk) nbconvert(name string, cells ...string) string {
	d.t.Helper()
	path := filepath.Join(d.notes, name)
	writeJSON(d.t, path, newNotebook(d.name, append([]string{modulesCell(d.t)}, cells...)))
	c := exec.CommandContext(d.t.Context(), filepath.Join(d.server.venv, "bin", "jupyter-nbconvert"), "--to", "notebook", "--execute", "--inplace",
		"--ExecutePreprocessor.timeout=60", path)
	c.Env = d.server.environ()
	if out, err := c.CombinedOutput(); err != nil {
		d.t.Fatalf("nbconvert: %v\n%s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(data)
}
