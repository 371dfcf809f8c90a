package plugins

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

// A frontendServer runs the frontend of a plugin, over a conversation in which the
// App is on the other side.
type frontendServer struct {
	pb.UnimplementedFrontendServiceServer
	plugin Plugin
	log    *slog.Logger
}

// Run implements [pb.FrontendServiceServer].
func (s *frontendServer) Run(stream pb.FrontendService_RunServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(stream.Context())
	c := &pluginStream{
		send: stream.Send, ctx: ctx, stop: cancel, ended: make(chan struct{}),
		calls: make(map[uint64]*call), prompts: make(map[uint64]context.CancelFunc), lines: make(map[uint64]chan *pb.Answer),
	}
	var receiving sync.WaitGroup
	receiving.Go(func() { c.receive(ctx, stream.Recv) })
	err = s.run(ctx, first.GetStart(), c)
	cancel()
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.working.Wait()
	c.say(&pb.RunResponse{Message: &pb.RunResponse_Done{Done: &pb.Done{Error: wire.FromError(err)}}})
	c.mu.Lock()
	c.said = true
	c.mu.Unlock()
	receiving.Wait() // the host half-closes after it has heard
	return nil
}

func (s *frontendServer) run(ctx context.Context, start *pb.Start, c *pluginStream) error {
	terminal := &remoteTerminal{c: c}
	frontend, err := s.plugin.OpenFrontend(ctx, Request{
		Name: start.GetName(), Settings: start.GetConfig(), Dir: start.GetDirectory(), Log: s.log,
		Ask: terminal.ReadSecret, Terminal: terminal,
	})
	if err != nil {
		return err
	}
	return frontend.Run(ctx, &remoteApp{c: c})
}

// A pluginStream is what a frontend and the host say to each other in one Run.
type pluginStream struct {
	send  func(*pb.RunResponse) error
	ctx   context.Context    // of the frontend's Run
	stop  context.CancelFunc // ends the frontend's Run
	ended chan struct{}      // closed when the host says no more

	working sync.WaitGroup // the prompts that are being shown, and the watches

	mu      sync.Mutex // of send, too, which must not be called twice at once
	over    bool       // the frontend's Run has returned
	said    bool       // all that there is to say
	last    uint64
	calls   map[uint64]*call
	prompts map[uint64]context.CancelFunc
	lines   map[uint64]chan *pb.Answer
}

// A call is a method of the App that has not been answered.
type call struct {
	reply    chan *pb.Reply // gets one
	prompter core.Prompter  // of SignIn

	updates chan core.Status // of Watch
}

// say sends m. When it cannot be sent the stream is over, which receive notices.
func (c *pluginStream) say(m *pb.RunResponse) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.said {
		_ = c.send(m)
	}
}

// next returns a number for a call or a question. c.mu is held.
func (c *pluginStream) next() uint64 {
	c.last++
	return c.last
}

// spawn runs f beside the frontend's Run, which waits for it. It does not when
// Run has returned.
func (c *pluginStream) spawn(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.working.Go(f)
	}
	return !c.over
}

// receive handles what the host says until it says no more.
func (c *pluginStream) receive(ctx context.Context, recv func() (*pb.RunRequest, error)) {
	defer close(c.ended)
	defer c.stop()
	for {
		m, err := recv()
		if err != nil {
			return
		}
		switch m := m.Message.(type) {
		case *pb.RunRequest_Stop:
			c.stop()
		case *pb.RunRequest_Reply:
			if call := c.take(m.Reply.GetCall()); call != nil {
				call.reply <- m.Reply // has room for it
			}
		case *pb.RunRequest_Update:
			c.update(m.Update)
		case *pb.RunRequest_Prompt:
			c.prompt(ctx, m.Prompt)
		case *pb.RunRequest_PromptEnd:
			c.mu.Lock()
			if cancel := c.prompts[m.PromptEnd.GetId()]; cancel != nil {
				cancel()
			}
			c.mu.Unlock()
		case *pb.RunRequest_Line:
			c.mu.Lock()
			line := c.lines[m.Line.GetId()]
			delete(c.lines, m.Line.GetId())
			c.mu.Unlock()
			if line != nil {
				line <- m.Line // has room for it
			}
		}
	}
}

// take returns the call with that number and forgets it.
func (c *pluginStream) take(id uint64) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.calls[id]
	delete(c.calls, id)
	return call
}

// update gives a status to a watcher. A slow one misses intermediate states, never
// the last.
func (c *pluginStream) update(m *pb.Update) {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.calls[m.GetCall()]
	if call == nil || call.updates == nil {
		return
	}
	select {
	case <-call.updates:
	default:
	}
	call.updates <- wire.ToAppStatus(m.GetStatus())
}

// prompt has the frontend show a prompt, and sends the answer.
func (c *pluginStream) prompt(ctx context.Context, m *pb.Prompt) {
	c.mu.Lock()
	call := c.calls[m.GetCall()]
	c.mu.Unlock()
	if call == nil || call.prompter == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	c.prompts[m.GetId()] = cancel
	c.mu.Unlock()
	c.spawn(func() {
		defer cancel()
		answer, err := call.prompter.Prompt(ctx, wire.ToPrompt(m))
		c.mu.Lock()
		delete(c.prompts, m.GetId())
		c.mu.Unlock()
		c.say(&pb.RunResponse{Message: &pb.RunResponse_PromptAnswer{
			PromptAnswer: &pb.PromptAnswer{Id: m.GetId(), Answer: answer, Error: wire.FromError(err)},
		}})
	})
}

// A remoteTerminal is the host's.
type remoteTerminal struct{ c *pluginStream }

// Print implements [Terminal].
func (t *remoteTerminal) Print(ctx context.Context, line string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.c.say(&pb.RunResponse{Message: &pb.RunResponse_Print{Print: &pb.Print{Line: wire.Text(line)}}})
	return nil
}

// Status implements [StatusLine].
func (t *remoteTerminal) Status(ctx context.Context, line string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.c.say(&pb.RunResponse{Message: &pb.RunResponse_Print{Print: &pb.Print{Line: line, Status: true}}})
	return nil
}

// Browse implements [Browser].
func (t *remoteTerminal) Browse(ctx context.Context, url string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.c.say(&pb.RunResponse{Message: &pb.RunResponse_Browse{Browse: &pb.Browse{Url: url}}})
	return nil
}

// ReadLine implements [Terminal].
func (t *remoteTerminal) ReadLine(ctx context.Context, prompt string) (string, error) {
	return t.read(ctx, prompt, false)
}

// ReadSecret implements [Terminal].
func (t *remoteTerminal) ReadSecret(ctx context.Context, prompt string) (core.Secret, error) {
	line, err := t.read(ctx, prompt, true)
	return core.Secret(line), err
}

func (t *remoteTerminal) read(ctx context.Context, prompt string, hidden bool) (string, error) {
	line := make(chan *pb.Answer, 1)
	t.c.mu.Lock()
	id := t.c.next()
	t.c.lines[id] = line
	t.c.mu.Unlock()
	t.c.say(&pb.RunResponse{Message: &pb.RunResponse_ReadLine{ReadLine: &pb.ReadLine{Id: id, Prompt: wire.Text(prompt), Hidden: hidden}}})
	select {
	case <-ctx.Done():
		// What is typed later is for the next who asks.
		t.c.say(&pb.RunResponse{Message: &pb.RunResponse_CallEnd{CallEnd: &pb.CallEnd{Id: id}}})
		return "", ctx.Err()
	case <-t.c.ended:
		return "", fmt.Errorf("the terminal: %w", core.ErrClosed)
	case a := <-line:
		return a.GetText(), wire.ToError(a.GetError())
	}
}
