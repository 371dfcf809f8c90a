package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/profile"
)

// TestTwoSessions: each has its own views, and its own sign-in.
func TestTwoSessions(t *testing.T) {
	e, p := provider(t, emulator.Options{})
	c := connect(t, host(t)).initialize()
	one, two := c.open(object{"client": p, "store": inMemory}), c.open(object{"client": p, "store": inMemory})
	c.say(one, `{"v":1,"type":"hello"}`)
	first := c.armed(one)
	c.say(two, `{"v":1,"type":"hello"}`)
	second := c.armed(two)
	visit(t, agree(t, e, second))
	c.phase(two, "signed_in")
	c.fails("sign_in_needed", "session.token", object{"session": one})
	visit(t, agree(t, e, first))
	c.phase(one, "signed_in")
	c.does("session.close", object{"session": two})
	c.does("session.token", object{"session": one})
}

// TestHelloAgain: a view that is loaded anew gets everything anew, and each is told
// that it speaks another version.
func TestHelloAgain(t *testing.T) {
	_, p := provider(t, emulator.Options{})
	c := connect(t, host(t)).initialize()
	s := c.open(object{"client": p, "store": inMemory})
	c.say(s, `{"v":7,"type":"hello"}`)
	if m := c.until(s, "it is refused", func(m object) bool { return m["type"] == "fatal" }); m["code"] != "bad_message" {
		t.Errorf("the fatal is %v", m)
	}
	c.say(s, `{"v":1,"type":"hello"}`)
	first := c.armed(s)
	c.say(s, `{"v":1,"type":"hello"}`)
	c.phase(s, "signed_out")
	if again := c.armed(s); again != first {
		t.Error("the second address is another")
	}
	c.say(s, `{"v":1,"type":"redirect","attempt":1,"url":"`+strings.Repeat("planted", 20000)+`"}`)
	c.until(s, "it is refused", func(m object) bool { return m["type"] == "fatal" })
}

// A fragile frontend ends when it is told to.
type fragile struct {
	mu   sync.Mutex
	runs []chan error
}

func (f *fragile) Run(ctx context.Context, _ core.App) error {
	end := make(chan error, 1)
	f.mu.Lock()
	f.runs = append(f.runs, end)
	f.mu.Unlock()
	select {
	case err := <-end:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fragile) last() (n int, end chan error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.runs) == 0 {
		return 0, nil
	}
	return len(f.runs), f.runs[len(f.runs)-1]
}

// TestFrontendEnds: the views hear that nobody is behind them, and one that is new
// gets a new frontend.
func TestFrontendEnds(t *testing.T) {
	f := &fragile{}
	h := host(t)
	refuse := errors.New("cannot be opened")
	h.Frontend = func(_ *profile.Profile, term plugins.Terminal) (core.Frontend, error) {
		_ = term.Print(t.Context(), `{"type":"opened"}`)
		if n, _ := f.last(); n == 2 {
			return nil, refuse
		}
		return f, nil
	}
	c := connect(t, h).initialize()
	s := c.open(object{"store": inMemory})
	if n, _ := f.last(); n != 0 {
		t.Error("there is a frontend before a view")
	}
	for _, d := range []struct {
		end  error
		want string
	}{{errors.New("it broke"), "it broke"}, {nil, "has ended"}, {nil, refuse.Error()}} {
		before, _ := f.last()
		c.say(s, `{"v":1,"type":"hello"}`)
		c.until(s, "it is opened", func(m object) bool { return m["type"] == "opened" })
		if before < 2 {
			var end chan error
			for n := before; n == before; n, end = f.last() {
				c.does("session.status", object{"session": s})
			}
			end <- d.end
		}
		m := c.until(s, "it ends", func(m object) bool { return m["type"] == "fatal" })
		if m["code"] != "ended" || !strings.Contains(fmt.Sprint(m["message"]), d.want) {
			t.Errorf("the fatal is %v", m)
		}
		c.say(s, `{"v":1,"type":"arm"}`) // is of a view that was there before
		c.does("session.status", object{"session": s})
	}
	if n, _ := f.last(); n != 2 {
		t.Errorf("there were %d frontends, want 2", n)
	}
}

// TestFrontendIsNotTrusted with the framing: what it prints is a message, or nothing.
func TestFrontendIsNotTrusted(t *testing.T) {
	h := host(t)
	h.Frontend = func(_ *profile.Profile, term plugins.Terminal) (core.Frontend, error) {
		for _, bad := range []string{"", "planted", `"planted"`, `{"planted":`, "{}\n{\"planted\":1}", `{"planted":"` + strings.Repeat("x", 1<<20) + `"}`} {
			if term.Print(t.Context(), bad) == nil {
				t.Errorf("it may print %.20q", bad)
			}
		}
		if _, err := term.ReadLine(t.Context(), ""); err == nil {
			t.Error("it may ask a person")
		}
		return &fragile{}, term.Print(t.Context(), "{\n\"type\": \"good\"}")
	}
	c := connect(t, h).initialize()
	s := c.open(object{"store": inMemory})
	c.say(s, `{"v":1,"type":"hello"}`)
	c.until(s, "the good one came", func(m object) bool { return m["type"] == "good" })
	if strings.Contains(c.all.String(), "planted") {
		t.Error("the bad ones came, too")
	}
}

// TestFlood: messages for a frontend that does not read are dropped at some time, and
// hold nothing up.
func TestFlood(t *testing.T) {
	f := &fragile{}
	h := host(t)
	h.Frontend = func(*profile.Profile, plugins.Terminal) (core.Frontend, error) { return f, nil }
	c := connect(t, h).initialize()
	s := c.open(object{"store": inMemory})
	for range 1000 {
		c.say(s, `{"v":1,"type":"hello"}`)
	}
	c.does("session.close", object{"session": s})
}
