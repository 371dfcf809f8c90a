package gonb

import (
	"errors"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

func TestUnattended(t *testing.T) {
	const pipe, id = "GONB_PIPE", "GONB_JUPYTER_KERNEL_ID"
	for _, d := range []struct {
		where  string
		env    map[string]string
		why    string // there is nobody
		widget bool
	}{
		{"no notebook", nil, "not a cell", false},
		{"Jupyter", map[string]string{pipe: "p", id: "4f1a"}, "", true},
		{"a hub without users' URLs", map[string]string{pipe: "p", id: "4f1a", "JUPYTERHUB_SERVICE_PREFIX": "/"}, "", true},
		{"a hub", map[string]string{pipe: "p", id: "4f1a", "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"}, "", false},
		{"VS Code", map[string]string{pipe: "p", "VSCODE_PID": "7"}, "", false},
		{"Colab", map[string]string{pipe: "p", id: "4f1a", "COLAB_RELEASE_TAG": "release-colab"}, "", false},
		{"nbconvert", map[string]string{pipe: "p"}, "runs by itself", false},
		{"nobody is to be asked", map[string]string{pipe: "p", id: "4f1a", nonInteractive: "1"}, nonInteractive, true},
		{"somebody may be asked", map[string]string{pipe: "p", id: "4f1a", nonInteractive: "0"}, "", true},
	} {
		t.Run(d.where, func(t *testing.T) {
			getenv := func(name string) string { return d.env[name] }
			if why := unattended(getenv); !strings.Contains(why, d.why) || (why == "") != (d.why == "") {
				t.Errorf("there is nobody since %q, want %q", why, d.why)
			}
			if w := widgetMayWork(getenv); w != d.widget {
				t.Errorf("the widget may work: %t", w)
			}
		})
	}
}

// TestNoPerson: nothing is shown, and the error says what to do.
func TestNoPerson(t *testing.T) {
	for _, d := range []struct {
		call  func(f *front, a *app) error
		state core.State
		hint  string
	}{
		{func(f *front, a *app) error { return f.signIn(f.t.Context(), a) }, core.SignedOut, "run tokentoss login in a terminal first"},
		{func(f *front, a *app) error { return f.signIn(f.t.Context(), a) }, core.NotConfigured, "run tokentoss configure in a terminal first"},
		{func(f *front, a *app) error { return f.configure(f.t.Context(), a) }, core.SignedOut, "run tokentoss configure in a terminal first"},
	} {
		f := newFront(t)
		f.unattended = "this notebook runs by itself"
		err := d.call(f, newApp(d.state))
		var hinted interface{ Hint() string }
		if !errors.Is(err, ErrNoPerson) || !errors.As(err, &hinted) || hinted.Hint() != d.hint || !strings.Contains(err.Error(), f.unattended) {
			t.Errorf("the error is %v", err)
		}
		if len(f.scripts)+len(f.prompts)+len(f.shown) > 0 {
			t.Error("something is shown, and there is nobody")
		}
	}
}
