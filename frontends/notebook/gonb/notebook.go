package gonb

import (
	"context"
	"html"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/comms"
)

// newCell returns the cell that this program is, by GoNB's packages. None of their
// functions tells whether it succeeded. They wait for GoNB at most, which may itself wait
// for the browser, three seconds.
func newCell(getenv func(string) string) *cell {
	id := "tokentoss-" + gonbui.UniqueId()
	script := id + "-script"
	c := &cell{
		unattended: attended(getenv), widget: widgetMayWork(getenv), patience: patience, id: id, address: "/" + id,
	}
	c.show = func(text string) {
		gonbui.UpdateHTML(id, `<div id="`+id+`">`+html.EscapeString(text)+`</div>`)
		gonbui.Sync()
	}
	c.run = func(s string) { gonbui.UpdateHTML(script, "<script>"+s+"</script>") }
	c.forget = func() { gonbui.UpdateHTML(script, "") }
	c.listen = func(f func(string)) {
		comms.Subscribe(c.address, func(_, message string) { f(message) })
	}
	c.send = func(message string) { comms.Send(c.address, message) }
	c.ask = func(ctx context.Context, prompt string) (string, error) {
		gonbui.RequestInput(prompt, true)
		return readLine(ctx)
	}
	c.kernelEnds = stdinCloses
	return c
}
