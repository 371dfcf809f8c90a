//go:build linux

package jupyter_test

import (
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

// gallery takes a picture of each state, in both themes of the application.
func gallery(d *desk, a app) {
	d.alone = true
	p := d.open(a, strings.ReplaceAll(showSignIn, "; ", "\n"), strings.ReplaceAll(d.newClient(), "; ", "\n"), `client.get_json("/api/data")`)
	p.Do("making the window smaller", chromedp.EmulateViewport(1100, 620)) // a picture has no empty half
	p.run(0)
	p.sees(0, "No OAuth client is configured yet")
	p.looks("configure")
	p.fill(0, "Client ID", d.client.ClientID)
	p.fill(0, "Client secret", d.client.ClientSecret.Reveal()+"\r")
	p.sees(0, "Sign in with Google")
	p.looks("sign-in")
	p.consent(0).Click("Deny")
	p.sees(0, "The sign-in was refused")
	p.looks("refused")
	popup := p.consent(0)
	p.sees(0, "Finish in the other window")
	p.press(0, "The window does not open")
	p.looks("waiting")
	popup.Click(ada)
	p.sees(0, "Signed in as "+ada)
	p.ok(1, "")
	p.ok(2, "{'value': 42}")
	p.looks("signed-in")
	if a == lab {
		p.forDocs()
	}
	p.Do("making the window larger", chromedp.EmulateViewport(1200, 1600))
	p.end()
}

// forDocs takes the picture that the documentation has, docs/notebook.png. The address in
// it is the documentation's, and it is of no particular day.
func (p *page) forDocs() {
	p.desk.t.Helper()
	p.Do("making it small", chromedp.EmulateViewport(820, 560), chromedp.Evaluate(fmt.Sprintf(`(async () => {
		await jupyterapp.commands.execute("application:toggle-left-area");
		const source = %s.content.widgets[1].model.sharedModel;
		source.setSource(source.source.replace(/"http:.*"/, '"https://my-iap-service.run.app"'));
		return true })()`, current), nil, awaited))
	p.waits("the address is another", `document.body.innerText.includes("my-iap-service")`)
	p.Do("leaving out the day", chromedp.Evaluate(`{
		document.querySelector(".tokentoss .tt-grow p").hidden = true;
		document.querySelectorAll(".jp-Cell.jp-mod-dirty").forEach((e) => e.classList.remove("jp-mod-dirty"));
	}`, nil))
	p.PictureOf("notebook", ".jp-Notebook")
}

// looks takes pictures, and checks that text can be read and nothing is cut off.
func (p *page) looks(state string) {
	p.desk.t.Helper()
	for _, theme := range []string{"Dark", "Light"} {
		p.Do("changing the theme", chromedp.Evaluate(fmt.Sprintf(`jupyterapp.commands.execute("apputils:change-theme", {theme: "JupyterLab %s"}).then(() => true)`, theme), nil, awaited))
		p.waits("the theme is there", fmt.Sprintf(`document.body.dataset.jpThemeLight === "%t" && !document.querySelector("#jupyterlab-splash")`, theme == "Light"))
		name := strings.ToLower(fmt.Sprintf("%s-%s-%s", p.app, state, theme))
		if pale := p.Faint(".tokentoss"); len(pale) > 0 {
			p.desk.t.Errorf("%s: text is faint: %q", name, pale)
		}
		var cut bool
		p.Do("measuring", chromedp.Evaluate(`(() => {
			const widget = document.querySelector(".tokentoss"), out = widget.closest(".jp-OutputArea-output");
			return widget.getBoundingClientRect().right > out.getBoundingClientRect().right || out.scrollWidth > out.clientWidth || out.scrollHeight > out.clientHeight
		})()`, &cut))
		if cut {
			p.desk.t.Errorf("%s: the widget is larger than the output that it stands in", name)
		}
		p.Picture(name)
	}
}
