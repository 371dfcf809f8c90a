package frontendtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

func signInChecks() []check {
	return []check{
		{"SignIn", func(t *testing.T, k *kit) { k.stage(t).signInWhole(ada) }},
		{"Address", checkAddress},
		{"PromptWaits", checkPromptWaits},
		{"Redirect", func(t *testing.T, k *kit) {
			s := k.stage(t)
			sc := s.expect(newScene(ada))
			s.start()
			s.openAddress(sc)
			s.redirect(sc)
		}},
	}
}

// checkAddress shows an address that is longer than any line or buffer that it
// could be put in, with all that could be taken for something else.
func checkAddress(t *testing.T, k *kit) {
	s := k.stage(t)
	sc := newScene(ada)
	sc.prompts[0].URL += "&hd=&x=1;y=2&amp;z='~*!()$,:@/?[]&pad=" + strings.Repeat("0123456789abcdef", 100) + "#%2E"
	s.expect(sc)
	r := s.start()
	s.openAddress(sc)
	s.redirect(sc)
	r.wantSignedIn(ada)
}

// checkPromptWaits: without an answer, Prompt is there until its ctx ends.
func checkPromptWaits(t *testing.T, k *kit) {
	s := k.stage(t)
	sc := s.expect(newScene(ada))
	s.start()
	s.openAddress(sc)
	select {
	case r := <-sc.replies:
		t.Errorf("Prompt returned %q, %s before there was an answer; a Prompter that has none waits for its ctx to end", r.answer, shown(r.err))
	case <-time.After(shortWait):
	}
}

func checkCode(t *testing.T, k *kit) {
	s := k.stage(t)
	sc := newScene(ada)
	sc.prompts[0].Code = "WDJB-MJHT"
	s.expect(sc)
	r := s.start()
	s.openAddress(sc)
	s.sees("the code of the prompt", sc.prompts[0].Code)
	s.redirect(sc)
	r.wantSignedIn(ada)
}

func pasteChecks() []check {
	return []check{
		{"Verbatim", checkVerbatim},
		{"Problem", checkProblem},
		{"RedirectAfterProblem", func(t *testing.T, k *kit) {
			s := k.stage(t)
			sc := s.expect(newScene(ada, "the first answer has no state"))
			r := s.start()
			s.openAddress(sc)
			s.paste(sc, "http://127.0.0.1:41237/")
			s.sees("the problem with the answer", sc.prompts[1].Problem)
			s.redirect(sc)
			r.wantSignedIn(ada)
		}},
	}
}

// answer is what a browser could have ended on.
func answer(sc *scene) string {
	return redirectURL + "?state=" + sc.state + "&code=4%2F0Ab-c_d~e%3D&scope=email%20openid+" +
		"https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email&authuser=0&prompt=consent#"
}

// paste gives an answer, which must come through unchanged.
func (s *stage) paste(sc *scene, text string) {
	s.t.Helper()
	s.act("pasting an answer", func(ctx context.Context) error { return s.person.Paste(ctx, text) })
	r := s.reply(sc, "the person pasted an answer")
	if r.answer != text || r.err != nil {
		s.t.Errorf("Prompt returned %q, %s, want what the person pasted, unchanged: %q", r.answer, shown(r.err), text)
	}
	if !r.early {
		s.t.Errorf("the ctx of Prompt ended before the person pasted an answer")
	}
}

func checkVerbatim(t *testing.T, k *kit) {
	for _, d := range []struct {
		name string
		text func(*scene) string
	}{
		{"address", answer},
		{"long", func(sc *scene) string { return answer(sc) + strings.Repeat("0123456789abcdef", 100) }},
		{"no_address", func(*scene) string { return `no address: "double"  'single' <b>&amp;</b> 100%25 \n $HOME {{.}} é` }},
	} {
		t.Run(d.name, func(t *testing.T) {
			s := k.stage(t)
			sc := s.expect(newScene(ada))
			r := s.start()
			s.openAddress(sc)
			s.paste(sc, d.text(sc))
			r.wantSignedIn(ada)
		})
	}
}

// checkProblem: the person learns why an answer was not taken and is asked again,
// as often as it takes.
func checkProblem(t *testing.T, k *kit) {
	s := k.stage(t)
	sc := s.expect(newScene(ada, "the first answer has no state", "the second answer is of another sign-in"))
	r := s.start()
	s.openAddress(sc)
	for i, prompt := range sc.prompts {
		if prompt.Problem != "" {
			s.sees("the problem with the answer", prompt.Problem)
		}
		s.paste(sc, fmt.Sprintf("%s?state=%s&attempt=%d", redirectURL, sc.state, i))
	}
	r.wantSignedIn(ada)
}

func againChecks() []check {
	return []check{
		{"AfterSignIn", func(t *testing.T, k *kit) {
			s := k.stage(t)
			s.signInWhole(ada)
			s.interrupt()
			s.app.set(core.Status{State: core.SignedOut, ClientID: clientID})
			s.signInWhole(grace)
		}},
		{"AfterInterrupt", func(t *testing.T, k *kit) {
			s := k.stage(t)
			sc := s.expect(newScene(ada))
			s.start()
			s.openAddress(sc)
			s.interrupt()
			s.signInWhole(grace)
		}},
		{"AfterDenial", func(t *testing.T, k *kit) {
			s := k.stage(t)
			sc := newScene(ada)
			sc.status, sc.err = core.Status{}, core.ErrDenied
			s.expect(sc)
			s.start()
			s.openAddress(sc)
			s.redirect(sc)
			s.interrupt()
			s.signInWhole(grace)
		}},
	}
}
