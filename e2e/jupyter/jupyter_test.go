//go:build linux

package jupyter_test

import (
	"path"
	"testing"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// The cells of the quick start, as the documentation has them but for the address.
const (
	showConfigure = `from tokentoss import ConfigureWidget; display(ConfigureWidget())`
	showSignIn    = `from tokentoss import GoogleAuthWidget; widget = GoogleAuthWidget(); display(widget)`
	makeClient    = `from tokentoss import IAPClient; client = IAPClient(base_url="%s")`
	callService   = `data = client.get_json("/api/data"); response = client.post("/api/items", json={"name": "test"})`
	printAnswers  = `print(data, response.status_code)`
)

// A flow is something that a person does, at a desk.
type flow struct {
	name       string
	app        app
	configured bool
	do         func(*desk, app)
}

// TestJupyter has all flows on one server and in one browser. After each, no secret is
// in anything that Jupyter keeps.
func TestJupyter(t *testing.T) {
	s := startServer(t, "/")
	b := browser.Open(t)
	s.openLab(b)
	for _, f := range []flow{
		{"quick start", lab, false, quickStart},
		{"quick start", notebook, false, quickStart},
		{"sign in again", lab, true, signInAgain},
		{"sign in again", notebook, true, signInAgain},
		{"window refused", lab, true, windowRefused},
		{"paste", lab, true, paste},
		{"by link", lab, true, byLink},
		{"denied", lab, true, denied},
		{"kernel busy", lab, true, kernelBusy},
		{"two widgets", lab, true, twoWidgets},
		{"reload", lab, true, reload},
		{"reload", notebook, true, reload},
		{"restart", lab, true, restart},
		{"kernel killed", lab, true, kernelKilled},
		{"example", notebook, true, pythonExample},
		{"from the shell", lab, true, fromTheShell},
		{"to the shell", lab, true, toTheShell},
		{"refused by IAP", lab, true, refusedByIAP},
		{"no person", "", true, noPerson},
		{"gallery", lab, false, gallery},
		{"gallery", notebook, false, gallery},
		{"leaks are seen", lab, true, leaksAreSeen},
	} {
		t.Run(path.Join(f.name, string(f.app)), func(t *testing.T) {
			d := newDesk(t, s, b, f.configured)
			f.do(d, f.app)
			d.secrets.wantNone(t)
		})
	}
}

// TestHub: at a hub the browser does not reach the kernel's machine. The widget says at
// once how to go on.
func TestHub(t *testing.T) {
	s := startServer(t, "/user/ada/")
	d := newDesk(t, s, browser.Open(t), true)
	d.pythonKernel(map[string]string{"JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"})
	p := d.open(lab, showSignIn, d.newClient(), callService, printAnswers)
	p.run(0)
	redirect, err := d.provider.Authorize(t.Context(), p.href(0), ada)
	if err != nil {
		t.Fatal(err)
	}
	p.consent(0)
	p.fill(0, "Did it end on a page", redirect)
	p.press(0, "Continue")
	p.sees(0, "Signed in as "+ada)
	p.ok(1, "")
	p.ok(2, "")
	p.ok(3, "{'value': 42} 201")
	p.end()
	d.secrets.wantNone(t)
}
