//go:build linux

package hosts_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// An app is what visitors see, as the documentation has it, with a button that calls the
// service.
type app struct {
	host    string
	file    string
	text    string
	command func(p *place, file, port string) *exec.Cmd
	path    string // of the page
}

var apps = []app{
	{"Voila", "app.ipynb", notebookOf(`import tokentoss, ask, ipywidgets
widget = tokentoss.GoogleAuthWidget()
display(widget)`, `button, said = ipywidgets.Button(description="Call"), ipywidgets.Label("")
button.on_click(lambda _: setattr(said, "value", ask.ask()))
display(button, said)`), func(p *place, file, port string) *exec.Cmd {
		// Voila's own word of a closed tab is refused by its server (voila-dashboards/voila#1458), so that kernels nobody
		// looks at are left to this. It is first, since that takes so long.
		return p.command("voila", file, "--no-browser", "--Voila.ip=127.0.0.1", "--port="+port,
			"--MappingKernelManager.cull_idle_timeout=20", "--MappingKernelManager.cull_interval=1")
	}, "/"},
	{"Solara", "app.py", `import solara, tokentoss, ask

@solara.component
def Page():
    widget = solara.use_memo(tokentoss.GoogleAuthWidget, [])
    said = solara.use_reactive("")
    solara.display(widget)
    solara.Button("Call", on_click=lambda: said.set(ask.ask()))
    solara.Text(said.value)
`, func(p *place, file, port string) *exec.Cmd {
		c := p.command("solara", "run", file, "--host", "127.0.0.1", "--port", port, "--no-open", "--production")
		c.Env = append(c.Env, "SOLARA_KERNEL_CULL_TIMEOUT=1s", "SOLARA_TELEMETRY_MIXPANEL_ENABLE=False", "SOLARA_ASSETS_PROXY_CACHE_DIR="+solaraCDN(p))
		return c
	}, "/"},
	{"Panel", "app.py", `import panel as pn, tokentoss, ask

pn.extension("ipywidgets")
widget = tokentoss.GoogleAuthWidget()
said = pn.pane.Str("")
button = pn.widgets.Button(name="Call")
button.on_click(lambda _: setattr(said, "object", ask.ask()))
pn.Column(pn.pane.IPyWidget(widget), button, said).servable()
`, func(p *place, file, port string) *exec.Cmd {
		return p.command("panel", "serve", file, "--address", "127.0.0.1", "--port", port, "--unused-session-lifetime", "500", "--check-unused-sessions", "500")
	}, "/app"},
	{"marimo run", "app.py", `import marimo
app = marimo.App()

@app.cell
def _():
    import marimo as mo, tokentoss, ask
    widget = tokentoss.GoogleAuthWidget()
    button = mo.ui.button(label="Call", value=0, on_click=lambda n: n + 1)
    return ask, button, mo, widget

@app.cell
def _(widget):
    widget
    return

@app.cell
def _(ask, button, mo):
    mo.vstack([button, mo.md(ask.ask() if button.value else "")])
    return

if __name__ == "__main__":
    app.run()
`, func(p *place, file, port string) *exec.Cmd {
		return p.command("marimo", "-q", "run", file, "--host", "127.0.0.1", "--port", port, "--headless", "--no-token", "--session-ttl", "1")
	}, "/"},
}

// solaraPackages are in npm what Solara's pages have from a CDN.
var solaraPackages = []string{"@widgetti/solara-vuetify3-app@5.2.0", "font-awesome@4.5.0", "requirejs@2.3.6"}

// solaraCDN returns a directory with what Solara's pages have from a CDN.
func solaraCDN(p *place) string {
	p.t.Helper()
	dir := p.t.TempDir() // not the place's: what others have written is not searched for secrets
	for _, name := range solaraPackages {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(packages(p.t), name))); err != nil {
			p.t.Fatal(err)
		}
	}
	return dir
}

// notebookOf is the file of a notebook without outputs.
func notebookOf(cells ...string) string {
	var list []string
	for i, source := range cells {
		list = append(list, fmt.Sprintf(`{"cell_type": "code", "id": "c%d", "source": %q, "metadata": {}, "outputs": [], "execution_count": null}`, i, source))
	}
	return `{"cells": [` + strings.Join(list, ", ") + `], "nbformat": 4, "nbformat_minor": 5,
"metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}}`
}

// TestApps: each visitor has a session of their own, and none has anything of who runs the
// server. A visitor who has gone leaves nothing behind.
func TestApps(t *testing.T) {
	_ = environment(t, today) // or this is skipped
	hers, his := browser.Open(t), browser.Open(t)
	for _, a := range apps {
		t.Run(a.host, func(t *testing.T) {
			p := newPlace(t, today)
			p.configure()
			p.signIn()
			p.write(a.file, a.text)
			port := freePort(t)
			at := "http://127.0.0.1:" + port
			p.serve(at+a.path, a.command(p, a.file, port))
			first, second := p.visits(hers.For(t), at+a.path), p.visits(his.For(t), at+a.path)
			for _, v := range []*visit{first, second} {
				v.sees("Sign in with Google")
				v.press("Call")
				v.sees("It knows nobody")
			}
			first.signIn(ada)
			first.press("Call")
			first.sees("It says 42")
			second.press("Call")
			second.sees("It knows nobody")
			second.signIn(alan)
			first.sees("Signed in as " + ada)
			first.press("Sign out")
			first.sees("Sign in with Google")
			second.press("Call")
			second.sees("It says 42")
			if out := p.run("tokentoss", "status"); !strings.Contains(out, grace) {
				t.Errorf("who runs the server is %s", out)
			}
			first.close()
			second.close()
			t.Parallel() // hosts take their time to notice, each as long as it likes
			p.poll("what was behind the widgets of visitors who have gone ends", func() bool { return p.processes(view) == 0 })
			if said := p.said.String(); strings.Contains(said, "Traceback") {
				t.Error("the host says what has a traceback in it")
			}
		})
	}
}
