//go:build linux

package hosts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// cells are those of a notebook that shows the widget, waits, and calls the service.
var cells = []string{
	"import tokentoss; widget = tokentoss.GoogleAuthWidget(); display(widget)",
	`import os; widget.wait(); print("It says", tokentoss.IAPClient(base_url=os.environ["SERVICE"]).get_json("/api/data")["value"])`,
}

// jupyterServer is what both applications of the environment run by.
func jupyterServer(p *place, command, port string, args ...string) *exec.Cmd {
	p.write("notebook.ipynb", notebookOf(cells...))
	return p.command(command, append([]string{
		"--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=" + port, "--ServerApp.token=", "--NotebookApp.token=", "--ServerApp.password=", "--NotebookApp.password=",
		"--ServerApp.port_retries=0", "--NotebookApp.port_retries=0",
	}, args...)...)
}

// widgetsRestored is true when Notebook 6 has asked its kernel for the widgets that there are,
// as it does when it is opened: widgets that are shown before are removed then. The answer to
// this question comes after that to its own.
const widgetsRestored = `(() => {
  const kernel = window.Jupyter?.notebook?.kernel;
  if (kernel?.is_connected() && kernel.widget_manager) window.asked ??= kernel.widget_manager._loadFromKernel().then(() => { window.restored = true });
  return window.restored })()`

// TestOldNotebooks: JupyterLab 3 and Notebook 6, which many still have.
func TestOldNotebooks(t *testing.T) {
	for _, n := range []struct{ host, command, path, ready, run, save string }{
		{"JupyterLab 3", "jupyter-lab", "/lab/tree/notebook.ipynb", `window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === "idle"`,
			`window.jupyterapp.commands.execute("notebook:run-all-cells")`, `window.jupyterapp.commands.execute("docmanager:save")`},
		{"Notebook 6", "jupyter-notebook", "/notebooks/notebook.ipynb", widgetsRestored,
			`Jupyter.notebook.execute_all_cells()`, `Jupyter.notebook.save_notebook()`},
	} {
		t.Run(n.host, func(t *testing.T) {
			p := newPlace(t, old)
			p.configure()
			port := freePort(t)
			at := "http://127.0.0.1:" + port
			args := []string{"--LabApp.expose_app_in_browser=True"}
			if n.command == "jupyter-notebook" {
				args = nil
			}
			p.serve(at+"/api", jupyterServer(p, n.command, port, args...))
			v := p.visits(browser.Open(t), at+n.path)
			v.until("the kernel", n.ready)
			v.Do("running the notebook", chromedp.Evaluate(`void `+n.run, nil))
			v.signIn(ada)
			v.sees("It says 42")
			v.press("Sign out")
			v.sees("Sign in with Google")
			v.Do("saving", chromedp.Evaluate(`void `+n.save, nil))
			p.poll("the notebook is saved with its outputs", func() bool {
				data, err := os.ReadFile(filepath.Join(p.dir, "notebook.ipynb"))
				return err == nil && strings.Contains(string(data), "It says 42")
			})
			v.close()
		})
	}
}

// TestMarimoEdit: a marimo notebook is that of one person, who has the profile's session. The
// widget is dark where marimo is.
func TestMarimoEdit(t *testing.T) {
	p := newPlace(t, today)
	p.configure()
	p.write("app.py", appOf("marimo run"))
	p.write(".marimo.toml", "[runtime]\nauto_instantiate = true\n[display]\ntheme = \"dark\"\n") // cells run when the notebook is opened
	port := freePort(t)
	at := "http://127.0.0.1:" + port
	p.serve(at, p.command("marimo", "-q", "edit", "app.py", "--host", "127.0.0.1", "--port", port, "--headless", "--no-token", "--skip-update-check"))
	v := p.visits(browser.Open(t), at)
	v.signIn(ada)
	v.until("a dark widget", `deep(document).some((e) => e.matches(".tokentoss") && getComputedStyle(e).colorScheme === "dark" && e.checkVisibility())`)
	v.Picture("marimo-dark")
	v.press("Call")
	v.sees("It says 42")
	if out := p.run("tokentoss", "status"); !strings.Contains(out, ada) {
		t.Errorf("the shell says %s", out)
	}
	v.close()
}

func appOf(host string) string {
	for _, a := range apps {
		if a.host == host {
			return a.text
		}
	}
	return ""
}

// TestWithoutAPage: papermill, IPython and the Jupyter console use the session that there
// is, and nothing of it is in what they keep.
func TestWithoutAPage(t *testing.T) {
	p := newPlace(t, today)
	p.configure()
	p.signIn()
	call := `import os, tokentoss; print("It says", tokentoss.IAPClient(base_url=os.environ["SERVICE"]).get_json("/api/data")["value"])`
	t.Run("papermill", func(t *testing.T) {
		p.write("notebook.ipynb", notebookOf("import tokentoss; widget = tokentoss.GoogleAuthWidget(); widget", "widget.wait(); "+call))
		p.run("papermill", "notebook.ipynb", "out.ipynb", "--no-progress-bar")
		data, err := os.ReadFile(filepath.Join(p.dir, "out.ipynb"))
		if err != nil || !strings.Contains(string(data), "It says 42") {
			t.Errorf("%v: %s", err, data)
		}
	})
	t.Run("IPython", func(t *testing.T) {
		if out := p.run("ipython", "--no-banner", "--simple-prompt", "-c", "tokentoss = __import__('tokentoss'); print(tokentoss.GoogleAuthWidget()); "+call); !strings.Contains(out, "It says 42") {
			t.Error(out)
		}
	})
	t.Run("jupyter console", func(t *testing.T) {
		c := p.command("jupyter", "console", "--simple-prompt", "--kernel", "python3")
		c.Stdin = strings.NewReader(call + "\nexit\n")
		if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "It says 42") {
			t.Errorf("%v: %s", err, out)
		}
	})
	p.run("tokentoss", "logout")
	t.Run("nobody is signed in", func(t *testing.T) {
		p.write("notebook.ipynb", notebookOf("import tokentoss; widget = tokentoss.GoogleAuthWidget(); widget", "widget.wait()"))
		out, err := p.command("papermill", "notebook.ipynb", "out.ipynb", "--no-progress-bar").CombinedOutput()
		if err == nil || !strings.Contains(string(out), "InteractionRequiredError") {
			t.Errorf("%v: %s", err, out)
		}
	})
	p.clean()
}
