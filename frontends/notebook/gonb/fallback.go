package gonb

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/signin"
)

// What the prompts of a front end say.
const (
	askAddress = "Did it end on a page that cannot be reached? Paste the whole address of that page:"
	askClient  = "OAuth client ID, of the type Desktop app:"
	askSecret  = "OAuth client secret:"
)

// A fallback is a view without a channel from the browser: a script shows the link, and
// the front end's prompt takes what the person has to enter.
type fallback struct {
	*cell
	e    *signin.Controller
	ctx  context.Context // of the prompts
	end  context.CancelFunc
	work sync.WaitGroup

	mu     sync.Mutex
	asking bool   // there is a prompt
	deaf   bool   // nothing can be asked, or nothing is to be any more
	since  uint64 // the seq of what is not older than the last answer
}

// fallBack shows the controller's state without the widget, until the controller ends.
func (c *cell) fallBack(ctx context.Context, e *signin.Controller) {
	ctx = context.WithoutCancel(ctx) // the controller's end is what ends it
	f := &fallback{cell: c, e: e}
	f.ctx, f.end = context.WithCancel(ctx)
	defer f.close()
	f.up(signin.ClientMessage{Type: "hello"})
	var last signin.Snapshot
	for v := e.Subscribe(); ; {
		list, err := v.Next(ctx)
		if errors.Is(err, io.EOF) {
			return
		}
		for _, m := range list {
			switch m := m.(type) {
			case signin.Snapshot:
				last = m
				f.see(m)
			case signin.Armed:
				f.sign(m, last.Error)
			}
		}
	}
}

// up sends the controller a message. It has none that is not well formed.
func (f *fallback) up(m signin.ClientMessage) {
	m.V = signin.Version
	_ = f.e.Handle(m)
}

// see asks for what the snapshot wants.
func (f *fallback) see(s signin.Snapshot) {
	if s.Busy != "" {
		return
	}
	switch s.Phase {
	case signin.Unconfigured:
		f.ask(s.Seq, func() (signin.ClientMessage, error) {
			id, err := f.line(problem(s.Error) + askClient)
			if err != nil {
				return signin.ClientMessage{}, err
			}
			secret, err := f.line(askSecret)
			return signin.ClientMessage{Type: "configure", ClientID: id, ClientSecret: core.Secret(secret)}, err
		})
	case signin.SignedOut, signin.NeedsSignIn:
		if s.Attempt == 0 && !s.Stuck {
			f.up(signin.ClientMessage{Type: "arm", Seq: s.Seq})
		}
	}
}

// sign shows the link, and asks for the address that the browser ends on.
func (f *fallback) sign(a signin.Armed, p *signin.Problem) {
	f.run(linkTo(f.id, a))
	const fresh = math.MaxUint64 // each address comes once
	f.ask(fresh, func() (signin.ClientMessage, error) {
		address, err := f.line(problem(p) + askAddress)
		return signin.ClientMessage{Type: "redirect", Attempt: a.Attempt, URL: core.Secret(address)}, err
	})
}

// ask sends the controller what the person enters. It is wanted by what has seq, and that is
// not older than the last answer. There is one prompt at a time. Where there are none,
// the redirect is the only way.
func (f *fallback) ask(seq uint64, prompt func() (signin.ClientMessage, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asking || f.deaf || seq < f.since {
		return
	}
	f.asking = true
	f.work.Go(func() {
		answer, err := prompt()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.asking, f.deaf = false, f.deaf || err != nil
		if err == nil {
			f.up(answer)
			f.since = f.seq()
		}
	})
}

// seq is the controller's.
func (f *fallback) seq() (seq uint64) {
	list, _ := f.e.Subscribe().Next(f.ctx) // has all there is at once
	for _, m := range list {
		if s, ok := m.(signin.Snapshot); ok {
			seq = s.Seq
		}
	}
	return seq
}

// line asks until there is an answer, or none is wanted any more.
func (f *fallback) line(prompt string) (string, error) {
	for {
		answer, err := f.cell.ask(f.ctx, prompt)
		answer = strings.TrimSpace(answer)
		f.mu.Lock()
		deaf := f.deaf
		f.mu.Unlock()
		if err != nil || answer != "" || deaf {
			return answer, err
		}
	}
}

// close closes the prompt, which would be in the way of the next cell.
func (f *fallback) close() {
	f.mu.Lock()
	asking := f.asking
	f.deaf = true
	f.mu.Unlock()
	if asking {
		f.run(answerPrompt(f.id))
	}
	late := time.AfterFunc(f.closing, f.end)
	defer late.Stop()
	f.work.Wait()
	f.end()
}

// problem is what a prompt begins with when the last answer was not taken.
func problem(p *signin.Problem) string {
	if p == nil {
		return ""
	}
	return strings.TrimSpace(p.Message+" "+p.Detail) + "\n"
}
