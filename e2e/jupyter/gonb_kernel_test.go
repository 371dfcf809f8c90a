//go:build linux

package jupyter_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// gonbModule is the module that signs in from a cell, and gonbKernel what runs the
// cell.
const (
	gonbModule = "github.com/tokentoss/tokentoss/frontends/notebook/gonb"
	gonbKernel = "github.com/janpfeifer/gonb"
)

// A goDesk is a desk with a Go kernel.
type goDesk struct{ *desk }

// newGoDesk returns a desk whose kernel is GoNB, of the version that the module asks
// for. The kernel's environment has more beside the desk's.
func newGoDesk(t *testing.T, s *server, b *browser.Browser, more map[string]string) *goDesk {
	t.Helper()
	bin := gonbTools(t)
	d := &goDesk{newDesk(t, s, b, false)}
	env := d.goEnviron(bin)
	maps.Copy(env, more)
	writeJSON(t, filepath.Join(s.data(), "kernels", d.name, "kernel.json"), map[string]any{
		"argv": []string{filepath.Join(bin, "gonb"), "--kernel", "{connection_file}", "--raw_error"}, "display_name": d.name,
		"language": "go", "interrupt_mode": "message", "env": env,
	})
	return d
}

// configured writes the OAuth client, as tokentoss configure does.
func (d *goDesk) configured() *goDesk {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.config, "client_secrets.json"), d.provider.ClientSecrets(), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return d
}

// goEnviron is what the kernel, and the go command that it runs, know of the desk. The
// caches are those of whoever runs the tests.
func (d *goDesk) goEnviron(bin string) map[string]string {
	d.t.Helper()
	env := d.environ()
	names := []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOTOOLCHAIN"}
	out, err := exec.Command("go", append([]string{"env", "-json"}, names...)...).Output()
	if err == nil {
		err = json.Unmarshal(out, &env)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	env["GOFLAGS"] = "-mod=mod"
	env["TMPDIR"] = d.t.TempDir() // which a kernel that is killed does not tidy
	env["PATH"] = bin + ":" + os.Getenv("PATH")
	return env
}

// openGo opens a notebook. Its cell 0, which has run, makes the modules of this
// repository known.
func (d *goDesk) openGo(a app, cells ...string) *page {
	d.t.Helper()
	p := &page{desk: d.desk, app: a, path: filepath.Join(d.notes, strings.ToLower(string(a))+".ipynb")}
	writeJSON(d.t, p.path, newNotebook(d.name, append([]string{modulesCell(d.t)}, cells...)))
	p.Tab = d.browser.Open("about:blank")
	chromedp.ListenTarget(p.Context(), p.leave)
	p.Do("opening the notebook", chromedp.EmulateViewport(1200, 1600), chromedp.Navigate(p.address()))
	p.connected()
	p.run(0)
	return p
}

// connected waits until the kernel is there. GoNB does not say that it is idle before
// it has run a cell.
func (p *page) connected() {
	p.desk.t.Helper()
	p.waits("the kernel is there", `window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.connectionStatus === "connected" && !!document.querySelector(".jp-Notebook-cell")`)
}

// modulesCell is the cell for modules that are not released. It stands for
// "!*go get", which is for those that are.
func modulesCell(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "work", "edit", "-json").Output()
	var work struct {
		Replace []struct{ Old, New struct{ Path string } }
	}
	if err == nil {
		err = json.Unmarshal(out, &work)
	}
	root, err2 := filepath.Abs("../..")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	edit := "!*go mod edit -require=" + gonbModule + "@v0.1.0"
	for _, r := range work.Replace {
		edit += fmt.Sprintf(" \\\n  -replace=%s=%s", r.Old.Path, filepath.Join(root, r.New.Path))
	}
	return "%noautoget\n" + edit
}

// goCell is a cell of Go: what follows main's line.
func goCell(body string) string {
	return `import (
	"context"
	"errors"
	"fmt"

	"github.com/tokentoss/tokentoss/frontends/notebook/gonb"
)

%%
ctx := context.Background()
` + body
}

// callCell signs in, if need be, and calls the service behind IAP.
func (d *goDesk) callCell() string {
	return goCell(fmt.Sprintf(`client, err := gonb.SignIn(ctx, %q)
if err != nil {
	fmt.Println("no person:", errors.Is(err, gonb.ErrNoPerson), "error:", err)
	return
}
res, err := client.Get(%[1]q + "/api/data")
if err != nil {
	fmt.Println("error:", err)
	return
}
fmt.Println(res.Status)
res.Body.Close()`, d.provider.IAPURL()))
}

// startWidget runs a cell until the widget is there. GoNB and the cell give a browser some
// seconds, which may be too few for one on a machine that has much else to do; the link
// that then comes is not what is tested.
func (p *page) startWidget(i int) {
	p.desk.t.Helper()
	live := fmt.Sprintf(`[...%s.querySelectorAll(".tokentoss :is(a[href], button, input)")].some(e => e.offsetParent)`, element(i))
	prompt := fmt.Sprintf(`!!%s.querySelector(".jp-Stdin-input")`, element(i))
	for range 5 {
		p.start(i)
		p.waits("a widget or a prompt", live+" || "+prompt)
		var asked bool
		p.Do("looking for a prompt", chromedp.Evaluate(prompt, &asked))
		if !asked {
			return
		}
		p.desk.t.Log("the browser was too slow for the widget")
		p.command("notebook:interrupt-kernel")
		p.ends(i)
	}
	p.desk.t.Fatal("the widget does not come")
}

// wantNoControl fails if there is something in the output of a cell to press or to type
// into.
func (p *page) wantNoControl(i int) {
	p.desk.t.Helper()
	p.waits("the controls go away", fmt.Sprintf(`!%s.querySelector(".jp-OutputArea-output :is(button, a, input, summary)")`, element(i)))
}

// wantClean saves the notebook, which must have none of the secrets, and returns the
// text of the file.
func (p *page) wantClean(d *goDesk) string {
	d.t.Helper()
	text := p.save()
	if found := d.secrets.in(text); len(found) > 0 {
		d.t.Errorf("the saved notebook has the %s", strings.Join(found, ", "))
	}
	return text
}

// link returns the address to sign in at of a cell's output. It is a secret from now on.
func (d *goDesk) link(p *page, i int) string {
	d.t.Helper()
	var href string
	path := cell(i) + browser.Button("Sign in with Google")
	p.Do("reading the address", chromedp.WaitVisible(path, chromedp.BySearch), chromedp.AttributeValue(path, "href", &href, nil, chromedp.BySearch))
	u, err := url.Parse(href)
	if err != nil || u.Query().Get("state") == "" {
		d.t.Fatalf("the address to sign in at is %q, %v", href, err)
	}
	d.secrets.add("address", href)
	d.secrets.add("state", u.Query().Get("state"))
	d.secrets.add("challenge", u.Query().Get("code_challenge"))
	return href
}

var gonbBuild struct {
	sync.Once
	dir     string
	err     error
	missing error
}

// gonbTools returns the directory with the kernel and with goimports, which the kernel
// runs. They are built from source, and the go command's cache makes that fast the
// second time.
func gonbTools(t *testing.T) string {
	t.Helper()
	b := &gonbBuild
	b.Do(func() { b.dir, b.missing, b.err = buildGoNB() })
	if b.missing != nil {
		t.Skipf("GoNB cannot be had here: %v", b.missing)
	}
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b.dir
}

func buildGoNB() (dir string, missing, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", nil, err
	}
	kernel, err := goList(".", "-m", "-f", "{{.Version}}", gonbKernel)
	if err != nil {
		return "", nil, err
	}
	tools, err := goList(".", "-m", "-f", "{{.Version}}", "golang.org/x/tools")
	if err != nil {
		return "", nil, err
	}
	dir = filepath.Join(cache, "tokentoss-e2e", "gonb-"+kernel)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	work, err := os.MkdirTemp("", "tokentoss-gonb-")
	if err != nil {
		return "", nil, err
	}
	defer os.RemoveAll(work)
	mod := fmt.Sprintf("module kernel\n\ngo 1.26.0\n\nrequire (\n\t%s %s\n\tgolang.org/x/tools %s\n)\n", gonbKernel, kernel, tools)
	if err := os.WriteFile(filepath.Join(work, "go.mod"), []byte(mod), 0o600); err != nil {
		return "", nil, err
	}
	c := exec.Command("go", "build", "-mod=mod", "-o", dir+"/", gonbKernel, "golang.org/x/tools/cmd/goimports")
	c.Dir = work
	c.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out), nil
	}
	return dir, nil, nil
}

// goList returns what go list prints.
func goList(dir string, args ...string) (string, error) {
	c := exec.Command("go", append([]string{"list"}, args...)...)
	c.Dir = dir
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("go list %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}
