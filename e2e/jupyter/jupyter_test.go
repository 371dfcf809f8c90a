//go:build linux

package jupyter_test

import (
	"testing"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

const probe = `
import anywidget
class Probe(anywidget.AnyWidget):
    _esm = """export default { render({model, el}) {
      const b = document.createElement("button"); b.textContent = "Press"; el.append(b);
      b.addEventListener("click", () => { model.send({"n": 1}); window.open("about:blank#popup", "", "popup") });
      model.on("msg:custom", (m) => { const p = document.createElement("p"); p.textContent = m.text; el.append(p) });
    } }"""
    def __init__(self):
        super().__init__()
        self.on_msg(lambda _w, content, _b: self.send({"text": f"got {content['n']}"}))
Probe()`

func TestHarness(t *testing.T) {
	s := startServer(t, "/")
	b := browser.Open(t)
	for _, a := range []app{lab, notebook} {
		t.Run(string(a), func(t *testing.T) {
			d := newDesk(t, s, b, false)
			p := d.open(a, probe, "1 + 1")
			p.ok(1, "2")
			p.start(0)
			popup := p.Opens(func() { p.press(0, "Press") })
			popup.Do("looking")
			p.sees(0, "got 1")
			p.Picture(d.name)
			text := p.save()
			t.Log(len(text))
			if out := p.fresh("6 * 7"); out != "42" {
				t.Log(out)
			}
			p.restart()
			p.reload()
			p.ok(1, "2")
			d.secrets.wantNone(t)
		})
	}
}
