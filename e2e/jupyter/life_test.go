//go:build linux

package jupyter_test

import (
	"slices"
	"strings"
	"syscall"

	"github.com/chromedp/chromedp"
)

// reload: the page is loaded anew while the person is at the provider, and after.
func reload(d *desk, a app) {
	d.alone = true
	p := d.open(a, showSignIn)
	p.run(0)
	p.sees(0, "Sign in with Google")
	popup := p.consent(0)
	p.save()
	p.reload()
	p.sees(0, "Finish in the other window")
	popup.Click(ada)
	p.sees(0, "Signed in as "+ada)
	p.save()
	p.reload()
	p.sees(0, "Signed in as "+ada)
	p.press(0, "Sign out")
	p.sees(0, "Sign in with Google to continue")
	p.end()
}

// restart: the kernel is restarted while the person is at the provider. The next one
// begins anew.
func restart(d *desk, a app) {
	p := d.open(a, showSignIn, d.newClient(), callService, printAnswers)
	p.run(0)
	late := p.consent(0)
	before := tokentossProcesses(d.home)
	p.restart()
	p.sees(0, "Connection lost")
	p.save()
	d.wantGone(before)
	late.Click(ada) // nobody waits for it any more
	p.run(0)
	p.signIn(0, grace)
	p.ok(1, "")
	p.ok(2, "")
	p.ok(3, "{'value': 42} 201")
	p.end()
}

// kernelKilled: nothing of tokentoss outlives the kernel.
func kernelKilled(d *desk, a app) {
	d.alone = true
	p := d.open(a, showSignIn, d.newClient(), callService, printAnswers)
	p.run(0)
	p.consent(0)
	before := tokentossProcesses(d.home)
	if len(before) == 0 {
		d.t.Fatal("there is no process of tokentoss: this test tests nothing")
	}
	for _, r := range processes(d.home) {
		if strings.Contains(r.cmdline, "ipykernel") {
			_ = syscall.Kill(r.pid, syscall.SIGKILL)
		}
	}
	d.wantGone(before)
	p.Sees("restart automatically")
	p.Do("closing the message", chromedp.Click(`.jp-Dialog button.jp-mod-accept`, chromedp.ByQuery))
	p.ready()
	p.sees(0, "Connection lost")
	p.run(0)
	p.signIn(0, ada)
	p.end()
}

// wantGone fails unless these processes end.
func (d *desk) wantGone(gone []running) {
	d.t.Helper()
	poll(d.t, "the processes of the kernel end", func() bool {
		return !slices.ContainsFunc(tokentossProcesses(d.home), func(r running) bool { return slices.Contains(gone, r) })
	})
}
