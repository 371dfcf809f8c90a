package gonb

import (
	"context"
	"html"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/comms"

	"github.com/tokentoss/tokentoss/frontends/notebook/remote"
)

// newCell returns the cell that this program is, by GoNB's packages. None of their
// functions tells whether it succeeded.
func newCell(getenv func(string) string) *cell {
	id := "tokentoss-" + gonbui.UniqueId()
	c := &cell{
		unattended: unattended(getenv), widget: widgetMayWork(getenv), remote: remote.Likely(getenv), patience: patience, closing: closing,
		id: id, address: "/" + id, ask: ask, kernelEnds: stdinCloses,
	}
	c.show = func(text string) {
		gonbui.UpdateHTML(id, `<div id="`+id+`">`+html.EscapeString(text)+`</div>`)
		flush()
	}
	c.run = func(script string) {
		gonbui.UpdateHTML(id+"-script", "<script>"+script+"</script>")
		gonbui.UpdateHTML(id+"-script", "")
	}
	c.listen = func(f func(string)) {
		// For good: package comms, once it has dropped a message of an address
		// without listeners, delivers none any more.
		comms.Subscribe(c.address, func(_, message string) { f(message) })
	}
	c.send = func(message string) { comms.Send(c.address, message) }
	return c
}

// flush waits until GoNB has published what was sent. Without it the end of the
// program may come first. It returns when the kernel has ended, although
// [gonbui.Sync] then does not.
func flush() {
	ctx, done := context.WithCancel(context.Background())
	go func() {
		defer done()
		gonbui.Sync()
	}()
	stdinCloses(ctx)
}

// ask opens the front end's prompt. What is typed there is not shown, nor saved.
func ask(ctx context.Context, prompt string) (string, error) {
	gonbui.RequestInput(prompt, true)
	return readLine(ctx)
}
