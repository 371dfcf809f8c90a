package page_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tokentoss/tokentoss/core"
)

// A stage is an App that is in the state that a picture needs.
type stage struct {
	core.App

	status core.Status
	prompt core.Prompt
	err    error         // of SignIn, at once
	answer chan struct{} // closed: the browser has brought the answer
	end    error         // of SignIn after the answer; nil means that it goes on
	watch  error
	client error // of Configure
}

func newStage(st core.Status) *stage {
	return &stage{status: st, answer: make(chan struct{}), prompt: core.Prompt{
		URL: "https://accounts.google.com/o/oauth2/v2/auth?client_id=123&state=" + strings.Repeat("x", 60), Deadline: time.Now().Add(time.Minute),
	}}
}

func (s *stage) Watch(ctx context.Context) (<-chan core.Status, error) {
	if s.watch != nil {
		return nil, s.watch
	}
	out := make(chan core.Status, 1)
	if s.status.State != "" {
		out <- s.status
	}
	context.AfterFunc(ctx, func() { close(out) })
	return out, nil
}

func (s *stage) Configure(context.Context, core.ClientSecrets) error { return s.client }

func (s *stage) SignOut(context.Context) error { return s.end }

func (s *stage) SignIn(ctx context.Context, p core.Prompter) (core.Status, error) {
	if s.err != nil {
		return core.Status{}, s.err
	}
	asking, answered := context.WithCancel(ctx)
	defer answered()
	go func() {
		select {
		case <-s.answer:
			answered()
		case <-asking.Done():
		}
	}()
	prompt := s.prompt
	for {
		_, err := p.Prompt(asking, prompt)
		if err != nil {
			break
		}
		prompt.Problem = "this is not the answer of the sign-in that is waiting (its state is missing or differs)"
	}
	if ctx.Err() == nil && s.end == nil {
		<-ctx.Done()
	}
	return core.Status{}, s.end
}

// noWindow keeps the pictures' windows from opening: the address leads nowhere.
const noWindow = `window.open = () => ({}); addEventListener("click", (e) => e.target.closest("a") && e.preventDefault(), true)`

// A picture is a state of the page.
type picture struct {
	name     string
	stage    func() *stage
	settings string
	act      func(*tab, *stage, served)
	sees     string
}

var signedOut = core.Status{State: core.SignedOut}

// out is a stage on which nobody is signed in.
func out() *stage { return newStage(signedOut) }

// click is a person who goes to sign in.
func click(tb *tab, _ *stage, _ served) { tb.click("Sign in with Google") }

func pictures() []picture { return append(signingIn(), others()...) }

// signingIn are the pictures on the way to a session.
func signingIn() []picture {
	return []picture{
		{"01-starting", func() *stage { return newStage(core.Status{}) }, "", nil, "Starting"},
		{"02-configure", func() *stage { return newStage(core.Status{State: core.NotConfigured}) }, "", nil, "No OAuth client"},
		{"03-client-refused", func() *stage {
			s := newStage(core.Status{State: core.NotConfigured})
			s.client = &core.ClientSecretsError{Problem: "client_secret is missing, and Google's token endpoint demands it", Hint: "download it again"}
			return s
		}, "", func(tb *tab, _ *stage, _ served) {
			tb.field("Client ID", "104250000042-example.apps.googleusercontent.com")
			tb.click("Save")
		}, "cannot be used"},
		{"04-armed", out, "", nil, "Sign in with Google"},
		{"05-waiting", out, "", click, "Finish in the other window"},
		{"06-remote", out, `{"remote": true}`, click, "Paste the whole address"},
		{"07-bad-answer", out, `{"remote": true}`, func(tb *tab, s *stage, v served) {
			click(tb, s, v)
			tb.field("Did it end on", "http://127.0.0.1:1/?code=x\r")
		}, "was not taken"},
		{"08-exchanging", out, "", func(tb *tab, s *stage, v served) {
			click(tb, s, v)
			tb.sees("Finish in")
			close(s.answer)
		}, "Signing in"},
		{"09-denied", func() *stage {
			s := out()
			s.end = core.ErrDenied
			return s
		}, "", func(tb *tab, s *stage, v served) {
			click(tb, s, v)
			tb.sees("Finish in")
			close(s.answer)
		}, "was refused"},
		{"10-provider-down", func() *stage {
			s := out()
			s.err = &core.ProviderError{Endpoint: "discovery", Host: "accounts.google.com", Problem: "no connection could be made", Offline: true}
			return s
		}, "", nil, "cannot be reached"},
	}
}

// others are the pictures of everything else.
func others() []picture {
	return []picture{
		{"11-signed-in", func() *stage {
			return newStage(core.Status{State: core.SignedIn, Email: ada, SessionEnds: time.Now().Add(20 * time.Hour)})
		}, "", nil, "Signed in as"},
		{"12-long-name", func() *stage {
			return newStage(core.Status{State: core.SignedIn, Email: "a.person.with.a.really.long.name@subsidiary.of.a.very-long-company-name.example.com"})
		}, "", nil, "Signed in as"},
		{"13-not-revoked", func() *stage {
			s := newStage(core.Status{State: core.SignedIn, Email: ada})
			s.end = fmt.Errorf("%w: no connection", core.ErrNotRevoked)
			return s
		}, "", func(tb *tab, _ *stage, _ served) { tb.click("Sign out") }, "could not be told"},
		{"14-needs-sign-in", func() *stage {
			return newStage(core.Status{State: core.NeedsSignIn, Email: ada, Reason: "sign-in needed: the session is older than its lifetime (" + ada + ")"})
		}, "", nil, "older than its lifetime"},
		{"15-ended", out, "", func(tb *tab, _ *stage, v served) {
			tb.sees("Sign in to go on")
			v.stop()
		}, "has ended"},
		{"16-store", func() *stage {
			s := out()
			s.err = fmt.Errorf("the keyring: %w", core.ErrSealed)
			return s
		}, "", nil, "is locked"},
		{"17-no-key", out, "", func(tb *tab, _ *stage, v served) {
			tb.do("forgetting the key", chromedp.Evaluate(`sessionStorage.clear()`, nil), chromedp.Reload())
		}, "has no key"},
		{"18-change-client", out, "", func(tb *tab, _ *stage, _ served) { tb.click("Change OAuth client") }, "Change the OAuth client"},
	}
}

// faint finds text that is too faint for what it stands on (WCAG 2.2, 1.4.3: 4.5 to 1).
const faint = `(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data] };
  const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c } return [255, 255, 255] };
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && e.tagName !== "INPUT") continue;
    if (!e.checkVisibility()) continue;
    const [a, b] = [light(rgba(getComputedStyle(e).color)), light(ground(e))].sort((a, b) => b - a);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) found.push(ratio.toFixed(1) + " " + e.tagName + "." + e.className + " " + e.textContent);
  }
  return found })()`

// look takes a picture, and checks what can be checked of it: nothing is wider than
// the window, and no text is faint.
func (tb *tab) look(name string) {
	tb.t.Helper()
	var wide bool
	var pale []string
	tb.do("measuring", chromedp.Evaluate(`document.documentElement.scrollWidth > innerWidth`, &wide), chromedp.Evaluate(faint, &pale))
	if wide {
		tb.t.Errorf("%s: the page is wider than its window", name)
	}
	if len(pale) > 0 {
		tb.t.Errorf("%s: text is faint: %q", name, pale)
	}
	tb.picture(name)
}

// TestGallery takes a picture of every state, in both themes, narrow and wide.
func TestGallery(t *testing.T) {
	b := openBrowser(t)
	for _, p := range pictures() {
		t.Run(p.name, func(t *testing.T) {
			s := p.stage()
			v := serveApp(t, s, p.settings)
			tb := (&browser{t: t, ctx: b.ctx}).open("about:blank")
			tb.beforeLoad(noWindow)
			tb.do("opening the page", chromedp.Navigate(v.address))
			if p.act != nil {
				p.act(tb, s, v)
			}
			tb.sees(p.sees)
			for _, theme := range []string{"light", "dark"} {
				for _, width := range []int64{320, 1600} {
					tb.looks(width, theme)
					tb.look(fmt.Sprintf("%s-%s-%d", p.name, theme, width))
				}
			}
		})
	}
}

// TestJupyterThemes: in a notebook the notebook's theme counts, not the system's.
func TestJupyterThemes(t *testing.T) {
	b := openBrowser(t)
	for _, theme := range []struct{ name, system, light, back, ink string }{
		{"light", "dark", "true", "white", "rgba(0, 0, 0, 1)"},
		{"dark", "light", "false", "#111", "rgba(255, 255, 255, 1)"},
	} {
		s := newStage(signedOut)
		s.err = fmt.Errorf("the keyring: %w", core.ErrSealed)
		v := serveApp(t, s, "")
		tb := b.open(v.address)
		tb.sees("is locked")
		tb.looks(600, theme.system)
		var surface string
		tb.do("using the theme of JupyterLab", chromedp.Evaluate(fmt.Sprintf(`{
			const b = document.body; b.dataset.jpThemeLight = %q; b.style.background = %q; b.style.color = %q;
			b.style.setProperty("--jp-layout-color1", %[2]q); b.style.setProperty("--jp-ui-font-color0", %[3]q);
			document.querySelectorAll("header, footer").forEach((e) => e.remove())
		}`, theme.light, theme.back, theme.ink), nil),
			chromedp.Evaluate(`getComputedStyle(document.querySelector(".tokentoss")).backgroundColor`, &surface))
		if want := map[string]string{"white": "rgb(255, 255, 255)", "#111": "rgb(17, 17, 17)"}[theme.back]; surface != want {
			t.Errorf("in the %s theme the widget stands on %s, want %s", theme.name, surface, want)
		}
		tb.look("20-jupyter-" + theme.name)
	}
}
