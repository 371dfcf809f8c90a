package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

const (
	// stopTimeout is how long a frontend may take to end when it is asked to.
	stopTimeout = 3 * time.Second

	// maxErrors is how many calls ago an error may have come that Run returns.
	maxErrors = 1000
)

// A frontend is one in another process, which is started for each Run.
type frontend struct {
	plugin  string
	request plugins.Request

	// connect starts the process; end ends it.
	connect func(context.Context) (conn grpc.ClientConnInterface, gone func(string) *fault.Error, end func(), err error)
}

var _ core.Frontend = (*frontend)(nil)

// Run implements [core.Frontend].
func (f *frontend) Run(ctx context.Context, app core.App) error {
	conn, gone, end, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer end()
	// The stream outlives ctx by as long as the frontend needs to end.
	streamCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stream, err := pb.NewFrontendServiceClient(conn).Run(streamCtx)
	if err != nil {
		return f.fail(ctx, gone, err)
	}
	callCtx, stopCalls := context.WithCancel(ctx)
	c := &hostStream{
		app: app, terminal: f.request.Terminal, ctx: callCtx, stream: stream,
		cancels: make(map[uint64]context.CancelFunc), prompts: make(map[uint64]chan *pb.PromptAnswer), errors: make(map[uint64]error),
	}
	start := &pb.Start{Name: f.request.Name, Config: f.request.Settings, Directory: f.request.Dir}
	c.say(&pb.RunRequest{Message: &pb.RunRequest_Start{Start: start}})
	stopping := context.AfterFunc(ctx, func() {
		// First the timer: a frontend that does not read holds up what is said.
		time.AfterFunc(stopTimeout, cancel)
		c.say(&pb.RunRequest{Message: &pb.RunRequest_Stop{Stop: &pb.Stop{}}})
	})
	defer stopping()
	done, err := c.receive()
	stopCalls()
	_ = c.closeSend()
	c.calls.Wait()
	if err != nil {
		return f.fail(ctx, gone, err)
	}
	err = c.outcome(done.GetError())
	if cause := ctx.Err(); cause != nil && errors.Is(err, context.Canceled) {
		return cause // the frontend knows that it was stopped, and not why
	}
	return named(Use{Plugin: f.plugin, Request: f.request}, err)
}

// fail says why a conversation broke off.
func (f *frontend) fail(ctx context.Context, gone func(string) *fault.Error, err error) error {
	if own, ok := wire.FromStatus(err); ok {
		return own
	}
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("plugin %s: it did not end within %s: %w", f.plugin, stopTimeout, cause)
	}
	return gone("run")
}

// A hostStream is the host's side of a conversation. It does for the frontend what
// the frontend may do with the App, and nothing else.
type hostStream struct {
	app      core.App
	terminal plugins.Terminal
	ctx      context.Context // of the calls
	stream   pb.FrontendService_RunClient
	calls    sync.WaitGroup // under way

	mu      sync.Mutex // of stream.Send, too
	over    bool
	last    uint64                           // prompt
	cancels map[uint64]context.CancelFunc    // of calls under way
	prompts map[uint64]chan *pb.PromptAnswer // that wait for an answer
	errors  map[uint64]error                 // what calls returned
}

// say sends m. When it cannot be sent the stream is over, which receive notices.
func (d *hostStream) say(m *pb.RunRequest) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over {
		_ = d.stream.Send(m)
	}
}

func (d *hostStream) closeSend() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	return d.stream.CloseSend()
}

// receive handles what the frontend says until it is done.
func (d *hostStream) receive() (*pb.Done, error) {
	for {
		m, err := d.stream.Recv()
		if err != nil {
			return nil, err
		}
		switch m := m.Message.(type) {
		case *pb.RunResponse_Done:
			return m.Done, nil
		case *pb.RunResponse_Call:
			d.begin(m.Call.GetId(), func(ctx context.Context) { d.reply(ctx, m.Call) })
		case *pb.RunResponse_CallEnd:
			d.mu.Lock()
			if cancel := d.cancels[m.CallEnd.GetId()]; cancel != nil {
				cancel()
			}
			d.mu.Unlock()
		case *pb.RunResponse_PromptAnswer:
			d.mu.Lock()
			waiting := d.prompts[m.PromptAnswer.GetId()]
			delete(d.prompts, m.PromptAnswer.GetId())
			d.mu.Unlock()
			if waiting != nil {
				waiting <- m.PromptAnswer // has room for it
			}
		case *pb.RunResponse_Print:
			d.print(m.Print)
		case *pb.RunResponse_Browse:
			if b, ok := d.terminal.(plugins.Browser); ok && isWebAddress(m.Browse.GetUrl()) {
				_ = b.Browse(d.ctx, m.Browse.GetUrl())
			}
		case *pb.RunResponse_ReadLine:
			d.begin(m.ReadLine.GetId(), func(ctx context.Context) { d.readLine(ctx, m.ReadLine) })
		}
	}
}

// print shows a line, or keeps it below the others where the terminal can.
func (d *hostStream) print(m *pb.Print) {
	if !m.GetStatus() {
		if d.terminal != nil {
			_ = d.terminal.Print(d.ctx, m.GetLine())
		}
		return
	}
	if t, ok := d.terminal.(plugins.StatusLine); ok {
		_ = t.Status(d.ctx, m.GetLine())
	}
}

// begin does a call in a goroutine of its own; a sign-in may take minutes.
func (d *hostStream) begin(id uint64, do func(context.Context)) {
	ctx, cancel := context.WithCancel(d.ctx)
	d.mu.Lock()
	d.cancels[id] = cancel
	d.mu.Unlock()
	d.calls.Go(func() {
		do(ctx)
		cancel()
		d.mu.Lock()
		delete(d.cancels, id)
		d.mu.Unlock()
	})
}

// reply does a call of the App and sends its outcome.
func (d *hostStream) reply(ctx context.Context, m *pb.Call) {
	r := &pb.Reply{Call: m.GetId()}
	var err error
	switch method := m.Method.(type) {
	case *pb.Call_Status:
		r.Status, err = appStatus(d.app.Status(ctx))
	case *pb.Call_Watch:
		err = d.watch(ctx, m.GetId())
	case *pb.Call_Configure:
		err = d.app.Configure(ctx, wire.ToClientSecrets(method.Configure))
	case *pb.Call_SignIn:
		r.Status, err = appStatus(d.app.SignIn(ctx, &prompter{d: d, call: m.GetId()}))
	case *pb.Call_SignOut:
		err = d.app.SignOut(ctx)
	case *pb.Call_IdToken:
		r.IdToken, err = idToken(d.app.IDToken(ctx))
	case *pb.Call_Renew:
		r.IdToken, err = idToken(d.app.Renew(ctx, wire.ToIDToken(method.Renew)))
	default:
		err = fmt.Errorf("a call that this tokentoss does not know: update it")
	}
	if err != nil {
		r.Error = wire.FromError(err)
		d.mu.Lock()
		d.errors[m.GetId()] = err
		delete(d.errors, m.GetId()-maxErrors)
		d.mu.Unlock()
	}
	d.say(&pb.RunRequest{Message: &pb.RunRequest_Reply{Reply: r}})
}

func appStatus(st core.Status, err error) (*pb.Status, error) { return wire.FromAppStatus(st), err }

func idToken(t core.IDToken, err error) (*pb.IDToken, error) { return wire.FromIDToken(t), err }

// watch sends each status until ctx ends.
func (d *hostStream) watch(ctx context.Context, id uint64) error {
	updates, err := d.app.Watch(ctx)
	if err != nil {
		return err
	}
	for st := range updates {
		d.say(&pb.RunRequest{Message: &pb.RunRequest_Update{Update: &pb.Update{Call: id, Status: wire.FromAppStatus(st)}}})
	}
	return nil
}

// readLine reads a line of the terminal.
func (d *hostStream) readLine(ctx context.Context, m *pb.ReadLine) {
	answer := &pb.Answer{Id: m.GetId()}
	var err error
	switch {
	case d.terminal == nil:
		err = io.EOF
	case m.GetHidden():
		var secret core.Secret
		secret, err = d.terminal.ReadSecret(ctx, m.GetPrompt())
		answer.Text = secret.Reveal()
	default:
		answer.Text, err = d.terminal.ReadLine(ctx, m.GetPrompt())
	}
	if err == nil && !utf8.ValidString(answer.Text) {
		answer.Text, err = "", fmt.Errorf("%w: the line is not UTF-8", core.ErrRefused)
	}
	answer.Error = wire.FromError(err)
	d.say(&pb.RunRequest{Message: &pb.RunRequest_Line{Line: answer}})
}

// outcome is what Run returns. An error that the App gave is returned as the App
// gave it: it says more than its text, which alone went to the plugin.
func (d *hostStream) outcome(m *pb.Error) error {
	if m == nil {
		return nil
	}
	d.mu.Lock()
	own := d.errors[m.GetCall()]
	d.mu.Unlock()
	if own != nil {
		return own
	}
	return wire.ToError(m)
}

// A prompter shows a prompt by the frontend.
type prompter struct {
	d    *hostStream
	call uint64
}

// Prompt implements [core.Prompter].
func (p *prompter) Prompt(ctx context.Context, prompt core.Prompt) (string, error) {
	d := p.d
	answered := make(chan *pb.PromptAnswer, 1)
	m := wire.FromPrompt(prompt)
	d.mu.Lock()
	d.last++
	m.Id, m.Call = d.last, p.call
	d.prompts[m.Id] = answered
	d.mu.Unlock()
	d.say(&pb.RunRequest{Message: &pb.RunRequest_Prompt{Prompt: m}})
	select {
	case a := <-answered:
		return a.GetAnswer(), wire.ToError(a.GetError())
	case <-ctx.Done():
		d.mu.Lock()
		delete(d.prompts, m.Id)
		d.mu.Unlock()
		d.say(&pb.RunRequest{Message: &pb.RunRequest_PromptEnd{PromptEnd: &pb.PromptEnd{Id: m.Id}}})
		return "", ctx.Err()
	}
}
