package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// browserPatience is what a browser may take on a busy machine.
const browserPatience = 90 * time.Second

// ownPage is a page of the service: it does what pages do, tells the service, and
// leaves for another site.
const ownPage = `<!doctype html><meta charset="utf-8"><script>
(async () => {
  const seen = {}
  seen.form = await (await fetch('/form', {method: 'POST', body: 'x'})).text()
  seen.socket = await new Promise(done => {
    const s = new WebSocket('ws://' + location.host + '/socket')
    s.onopen = () => s.send('hello'); s.onmessage = e => { s.close(); done(e.data) }; s.onerror = () => done('error')
  })
  seen.event = await new Promise(done => {
    const s = new EventSource('/events')
    s.onmessage = e => { s.close(); done(e.data) }; s.onerror = () => done('error')
  })
  await fetch('/report', {method: 'POST', body: JSON.stringify(seen)})
  location = 'EVIL'
})()
</script>`

// evilPage is another site's. It tries what a page can do to the proxy.
const evilPage = `<!doctype html><meta charset="utf-8"><script>
(async () => {
  const seen = {}
  const attempt = async (name, f) => { try { seen[name] = await f() } catch (e) { seen[name] = 'refused' } }
  await attempt('read', async () => (await fetch('PROXY/stolen', {credentials: 'include'})).status)
  await attempt('blind', async () => (await fetch('PROXY/stolen', {mode: 'no-cors', method: 'POST', credentials: 'include'})).type)
  await attempt('image', () => new Promise(done => { const i = new Image(); i.onload = () => done('loaded'); i.onerror = () => done('refused'); i.src = 'PROXY/stolen' }))
  await attempt('script', () => new Promise(done => { const s = document.createElement('script'); s.onload = () => done('loaded'); s.onerror = () => done('refused'); s.src = 'PROXY/stolen'; document.head.append(s) }))
  await attempt('socket', () => new Promise(done => { const s = new WebSocket('PROXY/socket'.replace('http', 'ws')); s.onopen = () => done('open'); s.onerror = () => done('refused') }))
  await fetch('/report', {method: 'POST', body: JSON.stringify(seen)})
})()
</script>`

// A visited is the service of ownPage.
type visited struct {
	t       *testing.T
	evil    string // the other site
	reports chan string
}

func (v *visited) report(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v.reports <- string(body)
}

// ServeHTTP implements [http.Handler].
func (v *visited) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/":
		w.Header().Set("Set-Cookie", "app=1; Path=/; Secure; HttpOnly; SameSite=None")
		_, _ = io.WriteString(w, strings.Replace(ownPage, "EVIL", v.evil, 1))
	case "/form":
		fmt.Fprintf(w, "%t %s", r.Header.Get("Origin") == "http://"+r.Host, r.Header.Get("Cookie"))
	case "/socket":
		echoes(w, r)
	case "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: one\n\n")
	case "/report":
		v.report(r)
	case "/stolen":
		v.t.Errorf("%s %s reached the service from another site", r.Method, r.URL)
	}
}

// In a real browser: the link opens the proxy, and the service's pages work, with
// forms, events and WebSockets. A page of another site, in the same browser and so
// with the same cookies, reaches nothing.
func TestBrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	v := &visited{t: t, reports: make(chan string, 2)}
	address := make(chan string, 1)
	v.evil = strings.Replace(serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/report" {
			v.report(r)
			return
		}
		at := <-address
		_, _ = io.WriteString(w, strings.ReplaceAll(evilPage, "PROXY", at))
		address <- at
	}), "127.0.0.1", "localhost", 1) // another site, unlike another port
	w := in(t, v.ServeHTTP)
	address <- w.URL
	link := w.screen.find(t, "(works once)")
	openBrowser(t, chromium, strings.Fields(link[strings.Index(link, "http"):])[0])
	for _, want := range []string{
		`{"form":"true app=1","socket":"hello","event":"one"}`,
		`{"read":"refused","blind":"refused","image":"refused","script":"refused","socket":"refused"}`,
	} {
		select {
		case got := <-v.reports:
			// A page may send blindly, as long as the proxy refuses.
			if got != want && got != strings.Replace(want, `"blind":"refused"`, `"blind":"opaque"`, 1) {
				t.Errorf("%s, not %s", got, want)
			}
		case <-time.After(browserPatience):
			t.Fatalf("no report; the screen:\n%s", strings.Join(w.screen.all(), "\n"))
		}
	}
}

// openBrowser opens a page in a browser that ends with t.
func openBrowser(t *testing.T, chromium, address string) {
	// Not t.TempDir, which wants all of it to go: a browser may still write.
	profile, err := os.MkdirTemp("", "tokentoss-browser-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--user-data-dir="+profile, "--remote-debugging-port=0", address)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // with its children
		_ = cmd.Wait()
		_ = os.RemoveAll(profile)
	})
}
