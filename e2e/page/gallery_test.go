package page_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/e2e/internal/browser"
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
	act      func(*browser.Tab, *stage, served)
	sees     string
}

var signedOut = core.Status{State: core.SignedOut}

// out is a stage on which nobody is signed in.
func out() *stage { return newStage(signedOut) }

// click is a person who goes to sign in.
func click(tb *browser.Tab, _ *stage, _ served) { tb.Click("Sign in with Google") }

func pictures() []picture { return append(signingIn(), others()...) }

// signingIn are the pictures on the way to a session.
func signingIn() []picture {
	return []picture{
		{"01-starting", func() *stage { return newStage(core.Status{}) }, "", nil, "Starting"},
		{"02-configure", func() *stage { return newStage(core.Status{State: core.NotConfigured}) }, "", nil, "No OAuth client"},
		{"03-client-refused", func() *stage {
			s := newStage(core.Status{State: core.NotConfigured})
			s.client = &core.Error{Kind: fault.BadClient, Problem: "client_secret is missing, and Google's token endpoint demands it", Remedy: fault.Say("download it again")}
			return s
		}, "", func(tb *browser.Tab, _ *stage, _ served) {
			tb.Field("Client ID", "104250000042-example.apps.googleusercontent.com")
			tb.Click("Save")
		}, "cannot be used"},
		{"04-armed", out, "", nil, "Sign in with Google"},
		{"05-waiting", out, "", click, "Finish in the other window"},
		{"06-remote", out, `{"remote": true}`, click, "Paste the whole address"},
		{"07-bad-answer", out, `{"remote": true}`, func(tb *browser.Tab, s *stage, v served) {
			click(tb, s, v)
			tb.Field("Did it end on", "http://127.0.0.1:1/?code=x\r")
		}, "was not taken"},
		{"08-exchanging", out, "", func(tb *browser.Tab, s *stage, v served) {
			click(tb, s, v)
			tb.Sees("Finish in")
			close(s.answer)
		}, "Signing in"},
		{"09-denied", func() *stage {
			s := out()
			s.end = core.ErrDenied
			return s
		}, "", func(tb *browser.Tab, s *stage, v served) {
			click(tb, s, v)
			tb.Sees("Finish in")
			close(s.answer)
		}, "was refused"},
		{"10-provider-down", func() *stage {
			s := out()
			s.err = &oidc.ProviderError{Endpoint: "discovery", Host: "accounts.google.com", Problem: "no connection could be made", Offline: true}
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
		}, "", func(tb *browser.Tab, _ *stage, _ served) { tb.Click("Sign out") }, "could not be told"},
		{"14-needs-sign-in", func() *stage {
			return newStage(core.Status{State: core.NeedsSignIn, Email: ada, Reason: "sign-in needed: the session is older than its lifetime (" + ada + ")"})
		}, "", nil, "older than its lifetime"},
		{"15-ended", out, "", func(tb *browser.Tab, _ *stage, v served) {
			tb.Sees("Sign in with Google to continue")
			v.stop()
		}, "has ended"},
		{"16-store", func() *stage {
			s := out()
			s.err = fmt.Errorf("the keyring: %w", core.ErrSealed)
			return s
		}, "", nil, "is locked"},
		{"17-no-key", out, "", func(tb *browser.Tab, _ *stage, v served) {
			tb.Do("forgetting the key", chromedp.Evaluate(`sessionStorage.clear()`, nil), chromedp.Reload())
		}, "has no key"},
		{"18-change-client", out, "", func(tb *browser.Tab, _ *stage, _ served) {
			tb.Click("The window does not open, or ends on an error?")
			tb.Click("Change OAuth client")
		}, "Change the OAuth client"},
	}
}

// look takes a picture, and checks what can be checked of it: nothing is wider than
// the window, and no text is faint.
func look(t *testing.T, tb *browser.Tab, name string) {
	t.Helper()
	var wide bool
	tb.Do("measuring", chromedp.Evaluate(`document.documentElement.scrollWidth > innerWidth`, &wide))
	if wide {
		t.Errorf("%s: the page is wider than its window", name)
	}
	if pale := tb.Faint("body"); len(pale) > 0 {
		t.Errorf("%s: text is faint: %q", name, pale)
	}
	tb.Picture(name)
}

// TestGallery takes a picture of every state, in both themes, narrow and wide.
func TestGallery(t *testing.T) {
	b := browser.Open(t)
	for _, p := range pictures() {
		t.Run(p.name, func(t *testing.T) {
			s := p.stage()
			v := serveApp(t, s, p.settings)
			tb := b.For(t).Open("about:blank")
			tb.BeforeLoad(noWindow)
			tb.Do("opening the page", chromedp.Navigate(v.address))
			if p.act != nil {
				p.act(tb, s, v)
			}
			tb.Sees(p.sees)
			for _, theme := range []string{"light", "dark"} {
				for _, width := range []int64{320, 1600} {
					tb.Looks(width, theme)
					look(t, tb, fmt.Sprintf("%s-%s-%d", p.name, theme, width))
				}
			}
		})
	}
}

// TestJupyterThemes: in a notebook the notebook's theme counts, not the system's.
func TestJupyterThemes(t *testing.T) {
	b := browser.Open(t)
	for _, theme := range []struct{ name, system, light, back, ink string }{
		{"light", "dark", "true", "white", "rgba(0, 0, 0, 1)"},
		{"dark", "light", "false", "#111", "rgba(255, 255, 255, 1)"},
	} {
		s := newStage(signedOut)
		s.err = fmt.Errorf("the keyring: %w", core.ErrSealed)
		v := serveApp(t, s, "")
		tb := b.Open(v.address)
		tb.Sees("is locked")
		tb.Looks(600, theme.system)
		var surface string
		tb.Do("using the theme of JupyterLab", chromedp.Evaluate(fmt.Sprintf(`{
			const b = document.body; b.dataset.jpThemeLight = %q; b.style.background = %q; b.style.color = %q;
			b.style.setProperty("--jp-layout-color1", %[2]q); b.style.setProperty("--jp-ui-font-color0", %[3]q);
			document.querySelectorAll("header, footer").forEach((e) => e.remove())
		}`, theme.light, theme.back, theme.ink), nil),
			chromedp.Evaluate(`getComputedStyle(document.querySelector(".tokentoss")).backgroundColor`, &surface))
		if want := map[string]string{"white": "rgb(255, 255, 255)", "#111": "rgb(17, 17, 17)"}[theme.back]; surface != want {
			t.Errorf("in the %s theme the widget stands on %s, want %s", theme.name, surface, want)
		}
		look(t, tb, "20-jupyter-"+theme.name)
	}
}

// TestHostStylesDoNotWin: JupyterLab has a rule for links that the mouse is over, and
// other hosts have rules that weigh more. The label stays readable.
func TestHostStylesDoNotWin(t *testing.T) {
	tb := browser.Open(t).Open(serveApp(t, newStage(signedOut), "").address)
	tb.Sees("Sign in with Google to continue")
	for _, rule := range []string{
		`.jp-ThemedContainer a:hover { color: unset; text-decoration: underline }`,
		`body section div div a:any-link:hover:not(#x) { color: rgb(1, 2, 3); background: rgb(1, 2, 3) }`,
		`a, a:hover, a:visited { color: rgb(1, 2, 3); border-color: rgb(1, 2, 3); text-decoration: underline }`,
	} {
		var before, after []string
		colours := `(() => { const s = getComputedStyle(document.querySelector("a.tt-google"));
			return [s.color, s.backgroundColor, s.borderTopColor, s.textDecorationLine] })()`
		hover := func(x float64, to *[]string) chromedp.Tasks {
			return chromedp.Tasks{
				chromedp.MouseEvent(input.MouseMoved, x, 5), chromedp.ActionFunc(func(ctx context.Context) error {
					var box []float64
					if err := chromedp.Evaluate(`(() => { const r = document.querySelector("a.tt-google").getBoundingClientRect();
						return [r.x + r.width / 2, r.y + r.height / 2] })()`, &box).Do(ctx); err != nil {
						return err
					}
					return chromedp.MouseEvent(input.MouseMoved, box[0], box[1]).Do(ctx)
				}),
				chromedp.Evaluate(colours, to),
			}
		}
		tb.Do("hovering", hover(5, &before))
		tb.Do("adding a rule of a host", chromedp.Evaluate(fmt.Sprintf(`document.body.classList.add("jp-ThemedContainer");
			document.adoptedStyleSheets = [(() => { const s = new CSSStyleSheet(); s.replaceSync(%q); return s })()]; 0`, rule), nil))
		tb.Do("hovering again", hover(7, &after))
		if !slices.Equal(before, after) || !strings.HasPrefix(before[0], "rgb(31") {
			t.Errorf("with %s the button is %v, and %v without", rule, after, before)
		}
		tb.Do("taking it away", chromedp.Evaluate(`document.adoptedStyleSheets = []; 0`, nil))
	}
}
