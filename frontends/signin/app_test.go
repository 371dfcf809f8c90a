package signin_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/signin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	address = "https://provider.invalid/auth?state=planted-state"
	secret  = "planted-client-secret"
	ada     = "ada@example.com"
)

var adaSignedIn = core.Status{State: core.SignedIn, Email: ada}

// An app is a core.App in the hands of a test.
type app struct {
	core.App
	states  chan core.Status // for Watch
	prompts chan core.Prompt // what SignIn prompts with, one after the other
	answers chan string      // what the prompts return
	ends    chan ending      // of SignIn
	clients chan core.ClientSecrets

	mu         sync.Mutex
	now        *core.Status // nil: none was said yet
	signIns    int          // begun
	running    int
	most       int // running at once
	watches    int
	watchErr   error
	configErr  error
	signOutErr error
}

// An ending is what SignIn returns.
type ending struct {
	status core.Status
	err    error
}

func newApp(st core.Status) *app {
	a := &app{
		states: make(chan core.Status, 1), prompts: make(chan core.Prompt), answers: make(chan string, 10),
		ends: make(chan ending), clients: make(chan core.ClientSecrets, 10),
	}
	a.states <- st
	return a
}

func (a *app) Watch(ctx context.Context) (<-chan core.Status, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.watches++
	if err := a.watchErr; err != nil {
		a.watchErr = nil
		return nil, err
	}
	out := make(chan core.Status)
	first := a.now
	go func() {
		defer close(out)
		for next := first; ; next = nil {
			if next == nil {
				select {
				case <-ctx.Done():
					return
				case st := <-a.states:
					a.set(st)
					next = &st
				}
			}
			select {
			case out <- *next:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// set says what the status is, for the watches to come.
func (a *app) set(st core.Status) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = &st
}

func (a *app) SignIn(ctx context.Context, p core.Prompter) (core.Status, error) {
	a.mu.Lock()
	a.signIns++
	a.running++
	a.most = max(a.most, a.running)
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.running--
	}()
	asking, answered := context.WithCancel(ctx)
	var prompting sync.WaitGroup
	defer prompting.Wait()
	defer answered()
	for {
		select {
		case <-ctx.Done():
			return core.Status{}, ctx.Err()
		case prompt := <-a.prompts:
			if prompt.URL == redirected.URL {
				answered()
				continue
			}
			prompting.Go(func() {
				if answer, err := p.Prompt(asking, prompt); err == nil {
					a.answers <- answer
				} else if asking.Err() == nil {
					a.answers <- err.Error()
				}
			})
		case end := <-a.ends:
			if end.status.State != "" {
				a.set(end.status)
			}
			return end.status, end.err
		}
	}
}

// redirected stands for the browser that brings the answer.
var redirected = core.Prompt{URL: "the browser"}

func (a *app) Configure(_ context.Context, c core.ClientSecrets) error {
	a.clients <- c
	if a.configErr == nil {
		a.set(core.Status{State: core.SignedOut, ClientID: c.ClientID})
	}
	return a.configErr
}

func (a *app) SignOut(context.Context) error {
	if a.signOutErr == nil || errors.Is(a.signOutErr, core.ErrNotRevoked) {
		a.set(core.Status{State: core.SignedOut})
	}
	return a.signOutErr
}

// A scene is a controller with one view, and what the view has.
type scene struct {
	t          *testing.T
	app        *app
	controller *signin.Controller
	view       *signin.View
	end        context.CancelFunc
	last       signin.Snapshot
	armed      signin.Armed
}

func play(t *testing.T, a *app, o signin.Options) *scene {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	controller := signin.Start(ctx, a, o)
	s := &scene{t: t, app: a, controller: controller, view: controller.Subscribe(), end: cancel}
	if !o.Once {
		waited := make(chan error, 1)
		go func() { waited <- controller.Wait() }()
		t.Cleanup(func() {
			cancel()
			if err := <-waited; err != nil {
				t.Errorf("Wait returned %v, want nil", err)
			}
		})
	}
	t.Cleanup(cancel)
	return s
}

// until receives messages until ok.
func (s *scene) until(what string, ok func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	for !ok() {
		list, err := s.view.Next(ctx)
		if err != nil {
			s.t.Fatalf("waiting until %s: %v; the view has %+v", what, err, s.last)
		}
		for _, m := range list {
			switch m := m.(type) {
			case signin.Snapshot:
				if m.Seq <= s.last.Seq {
					s.t.Fatalf("seq is %d after %d", m.Seq, s.last.Seq)
				}
				s.last = m
			case signin.Armed:
				if m.Attempt != s.last.Attempt {
					s.t.Fatalf("armed for attempt %d, and the snapshot is of %d", m.Attempt, s.last.Attempt)
				}
				s.armed = m
			}
		}
	}
}

func (s *scene) phase(p signin.Phase) {
	s.t.Helper()
	s.until("the phase is "+string(p), func() bool { return s.last.Phase == p })
}

func (s *scene) problem(code string) {
	s.t.Helper()
	s.until("the problem is "+code, func() bool { return s.last.Error != nil && s.last.Error.Code == code })
}

func (s *scene) idle() {
	s.t.Helper()
	s.until("there is no attempt", func() bool { return s.last.Attempt == 0 && s.last.Busy == "" })
}

func (s *scene) say(m signin.ClientMessage) {
	s.t.Helper()
	m.V = signin.Version
	if err := s.controller.Handle(m); err != nil {
		s.t.Fatal(err)
	}
}

// opened says hello, and opens the address.
func (s *scene) opened() {
	s.t.Helper()
	s.arms()
	s.say(signin.ClientMessage{Type: "opened", Attempt: s.armed.Attempt})
	s.phase(signin.Waiting)
}

// arms asks for an address, and gets one that is new.
func (s *scene) arms() {
	s.t.Helper()
	s.phase(signin.SignedOut)
	before := s.armed.Attempt
	s.say(signin.ClientMessage{Type: "arm"})
	s.app.prompts <- core.Prompt{URL: address, Deadline: time.Now().Add(5 * time.Minute)}
	s.until("there is an address", func() bool { return s.armed.Attempt > before })
}

// counts returns how many sign-ins were begun, and how many went on at once.
func (a *app) counts() (begun, most int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.signIns, a.most
}

// A forgetful app is one whose session ended again before a watch looked: a watch
// says nothing where all is as it was before.
type forgetful struct{ *app }

func (f forgetful) Watch(ctx context.Context) (<-chan core.Status, error) {
	out := make(chan core.Status, 1)
	out <- signedOut
	go func() {
		<-ctx.Done()
		close(out)
	}()
	return out, nil
}
