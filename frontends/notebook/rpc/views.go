package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/signin"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/profile"
)

// maxWaiting is how many messages of the views may wait for a frontend that is
// being started. There are few: a person clicks.
const maxWaiting = 64

// messageParams are those of session.message, both ways.
type messageParams struct {
	Session string          `json:"session"`
	Message json.RawMessage `json:"message"`
}

// message takes a message of a view.
func (s *server) message(data json.RawMessage) error {
	p, err := params[messageParams](data)
	if err != nil {
		return err
	}
	o, err := s.find(p.Session)
	if err != nil {
		return err
	}
	return o.views.up(p.Message)
}

// views are all views of a session, and the frontend behind them.
type views struct {
	profile *profile.Profile
	open    func(*profile.Profile, plugins.Terminal) (core.Frontend, error)
	send    func(json.RawMessage)

	ctx    context.Context // of the frontend
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	running *terminal // of the frontend; nil: there is none
	failed  bool      // the last one; a view that is new tries again
	closed  bool
}

func newViews(s *server, o *session) *views {
	v := &views{profile: o.profile, open: s.host.Frontend}
	v.send = func(m json.RawMessage) {
		s.out.send(notification{Version: "2.0", Method: "session.message", Params: messageParams{Session: o.id, Message: m}})
	}
	// Not s.ctx: the views hear how it ended.
	v.ctx, v.cancel = context.WithCancel(context.WithoutCancel(s.ctx))
	return v
}

var errTooMany = errors.New("too many messages wait for the frontend")

// up gives a message of a view to the frontend, which it starts if there is none.
func (v *views) up(data json.RawMessage) error {
	m, err := signin.ParseClientMessage(data)
	if err != nil {
		v.say(signin.NewFatal(err))
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.closed:
		return core.ErrClosed
	case v.running == nil && v.failed && m.Type != "hello":
		return nil // it is for a frontend that is gone
	case v.running == nil:
		t := &terminal{waiting: make(chan core.Secret, maxWaiting), send: v.send}
		v.running, v.failed = t, false
		v.work.Go(func() { v.run(t) })
	}
	select {
	case v.running.waiting <- core.Secret(data):
		return nil
	default:
		return errTooMany
	}
}

// run runs a frontend until the session is closed, and tells the views when it ends
// by itself.
func (v *views) run(t *terminal) {
	f, err := v.open(v.profile, t)
	if err == nil {
		err = f.Run(v.ctx, v.profile.Session)
	}
	v.mu.Lock()
	v.running, v.failed = nil, true
	v.mu.Unlock()
	if v.ctx.Err() != nil {
		return
	}
	text := "What is behind this widget has ended. Run the cell again."
	if err != nil {
		text = fmt.Sprintf("What is behind this widget has ended: %v. Run the cell again.", err)
	}
	v.say(signin.Fatal{V: signin.Version, Type: "fatal", Code: "ended", Message: plain(text)})
}

// say sends a message of this process to the views.
func (v *views) say(m signin.Message) {
	if data, err := json.Marshal(m); err == nil {
		v.send(data)
	}
}

// close ends the frontend.
func (v *views) close() {
	v.mu.Lock()
	v.closed = true
	v.mu.Unlock()
	v.cancel()
	v.work.Wait()
}

// A terminal is what the frontend takes for one.
type terminal struct {
	waiting chan core.Secret
	send    func(json.RawMessage)
}

var _ plugins.Terminal = (*terminal)(nil)

// ReadSecret implements [plugins.Terminal]: the line is a message of a view.
func (t *terminal) ReadSecret(ctx context.Context, _ string) (core.Secret, error) {
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case m := <-t.waiting:
		return m, nil
	}
}

// ReadLine implements [plugins.Terminal]. There is no person to type one.
func (t *terminal) ReadLine(context.Context, string) (string, error) { return "", io.EOF }

// Print implements [plugins.Terminal]: the line is a message to the views. It is
// sent although ctx has ended, since the last one says so.
func (t *terminal) Print(_ context.Context, line string) error {
	if len(line) > maxLine/2 || len(line) == 0 || line[0] != '{' || !json.Valid([]byte(line)) {
		return errors.New("frontend notebook: a line is not a message")
	}
	t.send(json.RawMessage(line))
	return nil
}
