package signin_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/signin"
)

// A wire is a carrier in the hands of a test.
type wire struct {
	up      chan string // closed: there are no views
	down    chan string
	sendErr error
}

func (w *wire) Receive(ctx context.Context) ([]byte, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case m, ok := <-w.up:
		if !ok {
			return nil, io.EOF
		}
		return []byte(m), nil
	}
}

func (w *wire) Send(ctx context.Context, m []byte) error {
	if w.sendErr != nil {
		return w.sendErr
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case w.down <- string(m):
		return nil
	}
}

// A carried is a controller behind a wire.
type carried struct {
	*wire
	t     *testing.T
	app   *app
	end   context.CancelFunc
	ended chan error // gets what Carry returns, when Wait has returned, too
}

func carry(t *testing.T, st core.Status) *carried {
	t.Helper()
	return carryOver(t, st, &wire{up: make(chan string), down: make(chan string)})
}

func carryOver(t *testing.T, st core.Status, w *wire) *carried {
	t.Helper()
	c := &carried{wire: w, t: t, app: newApp(st), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	c.end = cancel
	t.Cleanup(cancel)
	controller := signin.Start(ctx, c.app, signin.Options{})
	carrying := make(chan error, 1)
	outer, stop := context.WithTimeout(context.Background(), 10*time.Second)
	go func() { carrying <- controller.Carry(outer, w) }()
	go func() {
		defer stop()
		_ = controller.Wait()
		c.ended <- <-carrying
	}()
	return c
}

// until reads messages until one has the type and the phase.
func (c *carried) until(kind string, phase signin.Phase) map[string]any {
	c.t.Helper()
	for {
		select {
		case text := <-c.down:
			var m map[string]any
			if err := json.Unmarshal([]byte(text), &m); err != nil {
				c.t.Fatal(err)
			}
			if m["type"] == kind && (phase == "" || m["phase"] == string(phase)) {
				return m
			}
		case <-time.After(10 * time.Second):
			c.t.Fatalf("there is no %s %s", kind, phase)
		}
	}
}

// wantEnd fails unless Carry returns err.
func (c *carried) wantEnd(want error) {
	c.t.Helper()
	for {
		select {
		case <-c.down: // what is left
		case err := <-c.ended:
			if !errors.Is(err, want) {
				c.t.Errorf("Carry returned %v, want %v", err, want)
			}
			return
		}
	}
}

// TestCarryHello: a hello brings the address to a view that has nothing, however
// often, and however early.
func TestCarryHello(t *testing.T) {
	c := carry(t, signedOut)
	c.up <- `{"v":1,"type":"hello"}`
	c.app.prompts <- core.Prompt{URL: address}
	first := c.until("armed", "")
	c.up <- `{"v":1,"type":"hello"}`
	c.until("snapshot", signin.SignedOut)
	if again := c.until("armed", ""); again["auth_url"] != address || again["attempt"] != first["attempt"] {
		t.Errorf("armed is %v, and was %v", again, first)
	}
	if begun, _ := c.app.counts(); begun != 1 {
		t.Errorf("%d sign-ins were begun, want 1", begun)
	}
	c.end()
	c.until("snapshot", signin.Detached)
	c.wantEnd(nil)
}

// TestCarryBadMessage: who sends what cannot be used hears so, and the others go on.
func TestCarryBadMessage(t *testing.T) {
	c := carry(t, signedOut)
	for _, bad := range []string{`planted`, `{"v":2,"type":"hello"}`, `{"v":1,"type":"explode"}`} {
		c.up <- bad
		if m := c.until("fatal", ""); m["code"] != "bad_message" || m["message"] == "" {
			t.Errorf("%s: the fatal is %v", bad, m)
		}
	}
	c.up <- `{"v":1,"type":"hello"}`
	c.app.prompts <- core.Prompt{URL: address}
	c.until("armed", "")
	c.end()
	c.wantEnd(nil)
}

// TestCarryEnds: the controller ends with its carrier, and the views hear it as far as
// they can.
func TestCarryEnds(t *testing.T) {
	t.Run("no views", func(t *testing.T) {
		c := carry(t, signedOut)
		c.until("snapshot", signin.SignedOut)
		close(c.up)
		c.until("snapshot", signin.Detached)
		c.wantEnd(nil)
	})
	t.Run("cannot send", func(t *testing.T) {
		broken := errors.New("broken")
		carryOver(t, signedOut, &wire{up: make(chan string), sendErr: broken}).wantEnd(broken)
	})
}

// TestCarrySlow: a carrier that takes its time gets the last state, and not all of
// those in between.
func TestCarrySlow(t *testing.T) {
	c := carry(t, signedOut)
	for range 100 {
		c.up <- `{"v":1,"type":"opened","attempt":77}` // changes seq
	}
	c.end()
	messages := 0
	for {
		select {
		case <-c.down:
			messages++
		case err := <-c.ended:
			if err != nil || messages > 5 {
				t.Errorf("%d messages came, and %v", messages, err)
			}
			return
		}
	}
}
