//go:build linux

package jupyter_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
	"github.com/tokentoss/tokentoss/e2e/internal/suite"
)

// TestGoNBBelowBaseURL: GoNB's channel does not reach the browser below a base URL, so
// there is a link and a prompt.
func TestGoNBBelowBaseURL(t *testing.T) {
	suite.Need(t, suite.Hosts)
	s := startServer(t, "/user/alice/")
	b := browser.Open(t)
	for _, a := range []app{lab, notebook} {
		t.Run("redirect in "+string(a), func(t *testing.T) { goFallBackRedirect(t, newGoDesk(t, s, b, nil).configured(), a) })
	}
	t.Run("paste", func(t *testing.T) { goFallBackPaste(t, newGoDesk(t, s, b, nil).configured()) })
	t.Run("configure", func(t *testing.T) { goFallBackConfigure(t, newGoDesk(t, s, b, nil)) })
	t.Run("hub", func(t *testing.T) {
		goHub(t, newGoDesk(t, s, b, map[string]string{"JUPYTERHUB_SERVICE_PREFIX": "/user/alice/"}).configured())
	})
}

// goFallBackRedirect: the prompt, which nobody needs, is closed.
func goFallBackRedirect(t *testing.T, d *goDesk, a app) {
	p := d.openGo(a, d.callCell(), d.callCell())
	p.start(1)
	d.link(p, 1)
	p.sees(1, "Paste the whole address of that page:")
	p.Picture("gonb-link-" + string(a))
	p.wantClean(d) // also while the cell runs
	popup := p.Opens(func() { p.press(1, "Sign in with Google") })
	popup.Click(ada)
	if out := p.ends(1); !strings.Contains(out, "tokentoss: signed in.") || !strings.Contains(out, "200 OK") {
		t.Errorf("the output is:\n%s", out)
	}
	p.wantNoControl(1)
	p.ok(2, "200 OK")
	p.wantClean(d)
	d.secrets.wantNone(t)
}

// prompt is the field of the front end's prompt.
const prompt = `.jp-Stdin-input`

// answer types into the prompt.
func (p *page) answer(question, text string) {
	p.desk.t.Helper()
	p.sees(1, question)
	p.Do("answering "+question, chromedp.WaitVisible(prompt, chromedp.ByQuery), chromedp.SendKeys(prompt, text+"\r", chromedp.ByQuery))
	p.waits("the answer is taken", `!document.querySelector("`+prompt+`") || document.querySelector("`+prompt+`").value === ""`)
}

// goFallBackPaste: the browser cannot reach the kernel's machine.
func goFallBackPaste(t *testing.T, d *goDesk) {
	p := d.openGo(lab, d.callCell(), d.callCell())
	p.start(1)
	redirect, err := d.provider.Authorize(t.Context(), d.link(p, 1), ada)
	if err != nil {
		t.Fatal(err)
	}
	var masked bool
	p.Do("looking at the prompt", chromedp.WaitVisible(prompt, chromedp.ByQuery), chromedp.Evaluate(`document.querySelector("`+prompt+`").type === "password"`, &masked))
	if !masked {
		t.Error("what is pasted can be read")
	}
	p.answer("Paste the whole address of that page:", "http://127.0.0.1:1/?code=x")
	p.sees(1, "That address was not taken.")
	p.answer("That address was not taken.", redirect)
	if out := p.ends(1); !strings.Contains(out, "200 OK") {
		t.Errorf("the output is:\n%s", out)
	}
	p.wantNoControl(1)
	p.ok(2, "200 OK")
	p.wantClean(d)
	d.secrets.wantNone(t)
}

// goFallBackConfigure: the client is asked for by prompts, and what is typed is masked.
func goFallBackConfigure(t *testing.T, d *goDesk) {
	p := d.openGo(lab, goCell(`fmt.Println("configured:", gonb.Configure(ctx))`))
	p.start(1)
	p.answer("OAuth client ID", d.client.ClientID)
	p.answer("OAuth client secret", d.client.ClientSecret.Reveal())
	if out := p.ends(1); !strings.Contains(out, "the OAuth client is saved.") || !strings.Contains(out, "configured: <nil>") {
		t.Errorf("the output is:\n%s", out)
	}
	if text := p.wantClean(d); strings.Contains(text, d.client.ClientID) {
		t.Error("the saved notebook has the client's ID")
	}
	p.wantNoControl(1)
}

// goHub: below the base URL of a hub GoNB's channel is not even tried.
func goHub(t *testing.T, d *goDesk) {
	p := d.openGo(lab, d.callCell())
	p.start(1)
	d.link(p, 1)
	p.command("notebook:interrupt-kernel")
	if out := p.ends(1); !strings.Contains(out, "the cell was interrupted") {
		t.Errorf("the output is:\n%s", out)
	}
	p.wantNoControl(1)
	if text := p.wantClean(d); strings.Contains(text, "<script") {
		t.Error("a script is left in the notebook")
	}
}
