package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/tokentoss/tokentoss/frontends/http/proxy"
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

// In a real browser: the link opens the proxy, and the service's pages work, with
// forms, events and WebSockets. A page of another site, in the same browser and so
// with the same cookies, reaches nothing.
func TestBrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	reports := make(chan string, 2)
	report := func(r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		reports <- string(body)
	}
	var evil, target string
	var mu sync.Mutex
	w := start(t, &ada{}, proxy.Config{Targets: []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			mu.Lock()
			defer mu.Unlock()
			w.Header().Set("Set-Cookie", "app=1; Path=/; Secure; HttpOnly; SameSite=None")
			_, _ = io.WriteString(w, strings.Replace(ownPage, "EVIL", evil, 1))
		case "/form":
			fmt.Fprintf(w, "%t %s", r.Header.Get("Origin") == "http://"+r.Host, r.Header.Get("Cookie"))
		case "/socket":
			if c, err := websocket.Accept(w, r, nil); err == nil {
				defer c.CloseNow()
				if kind, msg, err := c.Read(r.Context()); err == nil {
					_ = c.Write(r.Context(), kind, msg)
					_, _, _ = c.Read(r.Context())
				}
			}
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: one\n\n")
		case "/report":
			report(r)
		case "/stolen":
			t.Errorf("%s %s reached the service from another site", r.Method, r.URL)
		}
	})}}, proxy.Options{})
	mu.Lock()
	target = w.URL
	evil = strings.Replace(serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/report" {
			report(r)
			return
		}
		_, _ = io.WriteString(w, strings.ReplaceAll(evilPage, "PROXY", target))
	}), "127.0.0.1", "localhost", 1) // another site, unlike another port
	mu.Unlock()
	link := w.screen.find(t, "(works once)")
	// Not t.TempDir, which wants all of it to go: a browser may still write.
	profile, err := os.MkdirTemp("", "tokentoss-browser-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(profile)
	browse := exec.Command(chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--user-data-dir="+profile, "--remote-debugging-port=0", strings.Fields(link[strings.Index(link, "http"):])[0])
	browse.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := browse.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-browse.Process.Pid, syscall.SIGKILL) // with its children
		_ = browse.Wait()
	}()
	for _, want := range []string{
		`{"form":"true app=1","socket":"hello","event":"one"}`,
		`{"read":"refused","blind":"refused","image":"refused","script":"refused","socket":"refused"}`,
	} {
		select {
		case got := <-reports:
			// A page may send blindly, as long as the proxy refuses.
			if got != want && got != strings.Replace(want, `"blind":"refused"`, `"blind":"opaque"`, 1) {
				t.Errorf("%s, not %s", got, want)
			}
		case <-time.After(browserPatience):
			t.Fatalf("no report; the screen:\n%s", strings.Join(w.screen.all(), "\n"))
		}
	}
}
