//go:build linux

package jupyter_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
)

// goInterrupt: the stop button ends a sign-in, and the cell can be run again.
func goInterrupt(t *testing.T, d *goDesk) {
	p := d.openGo(lab, d.callCell())
	p.startWidget(1)
	d.link(p, 1)
	p.command("notebook:interrupt-kernel")
	if out := p.ends(1); !strings.Contains(out, "the cell was interrupted") || !strings.Contains(out, "tokentoss: not signed in.") {
		t.Errorf("the output is:\n%s", out)
	}
	p.wantNoControl(1)
	p.wantClean(d)
	p.startWidget(1)
	d.link(p, 1)
	popup := p.Opens(func() { p.press(1, "Sign in with Google") })
	popup.Click(ada)
	p.sees(1, "200 OK")
	p.wantClean(d)
}

// goRestart: nothing is left of a sign-in whose kernel is restarted, neither a process
// nor a button.
func goRestart(t *testing.T, d *goDesk) {
	p := d.openGo(lab, d.callCell())
	p.startWidget(1)
	d.link(p, 1)
	p.restartNow()
	poll(t, "the cell's program ends", func() bool { return len(d.cellPrograms()) == 0 })
	p.wantNoControl(1)
	p.wantClean(d)
}

// goKill: the same for a kernel that is killed.
func goKill(t *testing.T, d *goDesk) {
	p := d.openGo(lab, d.callCell())
	p.startWidget(1)
	d.link(p, 1)
	if len(d.cellPrograms()) == 0 {
		t.Fatal("the cell's program is not found")
	}
	for _, r := range processes(d.home) {
		if strings.Contains(r.cmdline, "--kernel") {
			if err := syscall.Kill(r.pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	poll(t, "the cell's program ends", func() bool { return len(d.cellPrograms()) == 0 })
	p.wantNoControl(1)
	p.wantClean(d)
}

// restartNow restarts the kernel and does not wait until it is idle, which GoNB does not
// say.
func (p *page) restartNow() {
	p.desk.t.Helper()
	p.Do("restarting the kernel", chromedp.Evaluate(current+`.sessionContext.restartKernel().then(() => true)`, nil, awaited))
}

// cellPrograms are the programs of cells of this desk that run.
func (d *goDesk) cellPrograms() (all []running) {
	for _, r := range processes(d.home) {
		if strings.Contains(r.cmdline, "/gonb_") {
			all = append(all, r)
		}
	}
	return all
}
