//go:build linux

package jupyter_test

import (
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// signIn signs in by the widget of a cell.
func (p *page) signIn(i int, email string) {
	p.desk.t.Helper()
	popup := p.consent(i)
	popup.Click(email)
	p.sees(i, "Signed in as "+email)
}

// consent clicks the widget of a cell and returns the window in which the provider asks.
func (p *page) consent(i int) *browser.Tab {
	p.desk.t.Helper()
	popup := p.Opens(func() { p.press(i, "Sign in with Google") })
	popup.Sees("Choose an account")
	return popup
}

// href is the address of the link to sign in, in the output of a cell.
func (p *page) href(i int) (address string) {
	p.desk.t.Helper()
	link := cell(i) + browser.Button("Sign in with Google")
	p.Do("reading the address", chromedp.WaitVisible(link, chromedp.BySearch), chromedp.AttributeValue(link, "href", &address, nil, chromedp.BySearch))
	return address
}

// newClient is the cell that makes the client for the desk's service.
func (d *desk) newClient() string { return fmt.Sprintf(makeClient, d.provider.IAPURL()) }

// examine has the kernel say everything that it can of tokentoss's values, in outputs and
// in a traceback with all variables, and saves the notebook.
const examine = `
%xmode Verbose
import tokentoss
def look(value, depth=0):
    print(type(value).__name__, repr(value), str(value))
    if hasattr(value, "get_state"):
        print(value.get_state(), value._repr_mimebundle_() if hasattr(value, "_repr_mimebundle_") else "")
    if depth < 2:
        for name in ("credentials", "auth_manager", "storage", "client_config", "session", "_session"):
            inner = getattr(value, name, None)
            if inner is not None: look(inner, depth + 1)
    if hasattr(value, "load"):
        look(value.load(), 2)
def fail(value, message="on purpose"):
    raise RuntimeError(message)
values = [v for name, v in sorted(globals().items()) if type(v).__module__.split(".")[0] == "tokentoss" and not name.startswith("_")]
for value in values: look(value)
look(tokentoss.CREDENTIALS)
fail(values)`

// end examines and saves.
func (p *page) end() {
	p.desk.t.Helper()
	if out := p.fresh(examine); !strings.Contains(out, "on purpose") {
		p.desk.t.Errorf("the values of the kernel could not be examined:\n%s", out)
	}
	p.save()
}

// quickStart is the first day: nothing is configured. The secret is typed.
func quickStart(d *desk, a app) {
	p := d.open(a, showConfigure, showSignIn, d.newClient(), callService, printAnswers)
	p.run(0)
	p.sees(0, "No OAuth client is configured yet")
	p.fill(0, "Client ID", d.client.ClientID)
	p.fill(0, "Client secret", d.client.ClientSecret.Reveal())
	p.press(0, "Save")
	p.run(1)
	p.signIn(1, ada)
	p.ok(2, "")
	p.ok(3, "")
	p.ok(4, "{'value': 42} 201")
	p.end()
}

// signInAgain signs out, which calls of the service notice, and in as somebody else.
func signInAgain(d *desk, a app) {
	p := d.open(a, showSignIn, d.newClient(), callService, printAnswers)
	p.run(0)
	p.signIn(0, ada)
	p.ok(1, "")
	p.ok(2, "")
	p.press(0, "Sign out")
	p.sees(0, "Sign in with Google to continue")
	if out := p.run(2); !strings.Contains(out, "SignInNeededError") {
		d.t.Errorf("without a session a call prints:\n%s", out)
	}
	p.signIn(0, grace)
	p.ok(2, "")
	p.ok(3, "{'value': 42} 201")
	if out := p.fresh(`widget.sign_out(); print("out")`); !strings.Contains(out, "out") {
		d.t.Errorf("signing out by a call prints:\n%s", out)
	}
	p.sees(0, "Sign in with Google to continue")
	p.end()
}

// windowRefused: the link itself opens a tab, as in VS Code, and the widget says what to
// do if it does not.
func windowRefused(d *desk, a app) {
	d.alone = true
	p := d.open(a, showSignIn)
	p.Do("refusing windows", chromedp.Evaluate(`void (window.open = () => null)`, nil))
	p.run(0)
	other := p.Opens(func() { p.press(0, "Sign in with Google") })
	p.sees(0, "The browser did not let a window open")
	other.Click(grace)
	p.sees(0, "Signed in as "+grace)
	p.end()
}

// paste: the browser ends on a page that it cannot reach, and the person pastes its
// address.
func paste(d *desk, a app) {
	p := d.open(a, showSignIn)
	p.run(0)
	redirect, err := d.provider.Authorize(d.t.Context(), p.href(0), ada)
	if err != nil {
		d.t.Fatal(err)
	}
	p.press(0, "The window does not open")
	p.fill(0, "Did it end on a page", "http://127.0.0.1:1/?code=x\r")
	p.sees(0, "That address was not taken.")
	p.save()
	p.fill(0, "Did it end on a page", redirect+"\r")
	p.sees(0, "Signed in as "+ada)
	p.end()
}

// byLink signs in without a widget: by a link, and where its way back does not reach the
// kernel, by a prompt that shows nothing of what is pasted. Without need there is no
// prompt: an application runs no cell while one stands there.
func byLink(d *desk, a app) {
	p := d.open(a, `import tokentoss; session = tokentoss.sign_in()`, `tokentoss.sign_out()`,
		`session = tokentoss.sign_in(paste=True)`, d.newClient(), callService, printAnswers)
	p.start(0)
	tab := p.Opens(func() { p.press(0, "Sign in with Google") })
	tab.Click(ada)
	p.leavesNothing(0)
	p.ok(1, "")
	p.start(2)
	redirect, err := d.provider.Authorize(d.t.Context(), p.href(2), grace)
	if err != nil {
		d.t.Fatal(err)
	}
	const prompt = ".jp-Stdin-input"
	var kind string
	p.Do("looking at the prompt", chromedp.WaitVisible(prompt, chromedp.ByQuery), chromedp.AttributeValue(prompt, "type", &kind, nil, chromedp.ByQuery))
	if kind != "password" {
		d.t.Errorf("what is pasted is shown: the prompt is of the type %q", kind)
	}
	p.Do("pasting", chromedp.SendKeys(prompt, redirect+"\r", chromedp.ByQuery))
	p.leavesNothing(2)
	p.ok(3, "")
	p.ok(4, "")
	p.ok(5, "{'value': 42} 201")
	p.end()
}

// leavesNothing waits for the end of a cell that signs in by a link, of which nothing is
// left then.
func (p *page) leavesNothing(i int) {
	p.desk.t.Helper()
	if out := p.ends(i); strings.Contains(out, "http") || strings.Contains(out, "Traceback") {
		p.desk.t.Errorf("the sign-in in cell %d leaves behind:\n%s", i, out)
	}
}

// denied: the person says no at the provider, and yes the next time.
func denied(d *desk, a app) {
	p := d.open(a, showSignIn)
	p.run(0)
	p.consent(0).Click("Deny")
	p.sees(0, "The sign-in was refused")
	p.save()
	p.signIn(0, ada)
	p.end()
}

// kernelBusy: the sign-in needs no kernel that listens. In the first cell the kernel
// waits for it, in the second it computes.
func kernelBusy(d *desk, a app) {
	p := d.open(a, showSignIn+`; widget.wait(); print("waited")`,
		`import os; path = os.path.join(os.environ["TOKENTOSS_CONFIG_DIR"], "tokens.json")
while not os.path.exists(path): pass
print("computed")`, d.newClient(), callService, printAnswers)
	p.start(0)
	p.consent(0).Click(ada)
	if out := p.ends(0); !strings.Contains(out, "waited") {
		d.t.Errorf("the waiting cell printed:\n%s", out)
	}
	p.sees(0, "Signed in as "+ada)
	p.press(0, "Sign out")
	p.sees(0, "Sign in with Google to continue")
	p.waits("the address is there", fmt.Sprintf(`!!%s.querySelector(".tokentoss a.tt-main[href]")`, element(0)))
	p.start(1)
	p.consent(0).Click(grace)
	if out := p.ends(1); !strings.Contains(out, "computed") {
		d.t.Errorf("the busy cell printed:\n%s", out)
	}
	p.sees(0, "Signed in as "+grace)
	p.ok(2, "")
	p.ok(3, "")
	p.ok(4, "{'value': 42} 201")
	p.end()
}

// twoWidgets of one session are in step.
func twoWidgets(d *desk, a app) {
	p := d.open(a, showSignIn, showSignIn, "widget")
	p.run(0)
	p.run(1)
	p.run(2) // a second view of one
	p.signIn(0, ada)
	for i := range 3 {
		p.sees(i, "Signed in as "+ada)
	}
	p.press(1, "Sign out")
	for i := range 3 {
		p.sees(i, "Sign in with Google to continue")
	}
	p.signIn(2, grace)
	p.sees(0, "Signed in as "+grace)
	p.end()
}

// refusedByIAP: what IAP says names the person. It is shown, and the notebook keeps
// nothing of it.
func refusedByIAP(d *desk, a app) {
	d.signInInShell()
	d.provider.SetAllowedEmails([]string{})
	p := d.open(a, d.newClient(), `client.get_json("/api/data")`)
	p.ok(0, "")
	if out := p.run(1); !strings.Contains(out, "403") {
		d.t.Errorf("a refused call prints:\n%s", out)
	}
	p.end()
}
