package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"github.com/tokentoss/tokentoss/core"
)

// Say tells the person what happens.
func (in *Invocation) Say(format string, args ...any) { in.say.say(format, args...) }

// Warn tells the person what is not as it should be.
func (in *Invocation) Warn(format string, args ...any) { in.say.warn(format, args...) }

// Hint tells the person what to do next.
func (in *Invocation) Hint(format string, args ...any) { in.say.hint(format, args...) }

// Ask asks the person for what must not be seen, on the terminal that this program
// was started in: standard input may be a file. It returns [core.ErrSealed] where
// nobody can be asked.
func (in *Invocation) Ask(ctx context.Context, question string) (core.Secret, error) {
	if !in.interactive() {
		return "", fmt.Errorf("%w: --non-interactive is set", core.ErrSealed)
	}
	in.screen.Lock()
	defer in.screen.Unlock()
	if in.stderrTerminal() != nil {
		fmt.Fprint(in.Stderr, clearLine)
	}
	return askHidden(ctx, in.Stderr, question)
}

// A PluginTerminal is the terminal of this program for a frontend that is in another
// process. It shows lines on standard error, as all that a person reads.
type PluginTerminal struct {
	in    *Invocation
	lines *bufio.Reader

	mu      sync.Mutex
	pending chan typed // of the read that is under way; nil: none is

	screen sync.Mutex // of what is printed
	status string     // the line that stands below it

	browser string         // command; "" is the system's, noBrowser none
	links   []*browserLink // until Close
}

// typed is a line that was read.
type typed struct {
	line string
	err  error
}

// NewPluginTerminal returns the terminal of an invocation. There is one for a process: what
// was read ahead is in it. It is not a method, which would be linked wherever
// templates are.
func NewPluginTerminal(in *Invocation) *PluginTerminal {
	browser := in.String("browser")
	if in.Bool("no-browser") || !in.interactive() || browser == "" && !wantsBrowser() {
		browser = noBrowser
	}
	return &PluginTerminal{in: in, lines: bufio.NewReader(in.Stdin), browser: browser}
}

// Close takes away what a browser has read by now.
func (r *PluginTerminal) Close() {
	r.screen.Lock()
	defer r.screen.Unlock()
	for _, l := range r.links {
		l.remove()
	}
}

// Browse opens an address in the person's browser, by way of a link. That
// the frontend has printed the address is taken for granted.
func (r *PluginTerminal) Browse(ctx context.Context, url string) error {
	if r.browser == noBrowser {
		return nil
	}
	link, err := newBrowserLink(url)
	if err != nil {
		return err
	}
	r.screen.Lock()
	r.links = append(r.links, link)
	r.screen.Unlock()
	if err := openBrowser(ctx, r.browser, link.url); err != nil {
		r.in.say.say("no browser was opened here: %v", err)
	}
	return nil
}

// Print shows a line, above the status line.
func (r *PluginTerminal) Print(_ context.Context, line string) error {
	r.screen.Lock()
	defer r.screen.Unlock()
	if r.status == "" {
		_, err := fmt.Fprintln(r.in.Stderr, oneLine(line))
		return err
	}
	_, err := fmt.Fprintf(r.in.Stderr, clearLine+"%s\n%s", oneLine(line), r.status)
	return err
}

// Status keeps a line below what is printed, where that is a terminal. The empty
// line takes it away.
func (r *PluginTerminal) Status(_ context.Context, line string) error {
	if !isTerminal(r.in.Stderr) {
		return nil
	}
	r.screen.Lock()
	defer r.screen.Unlock()
	if line != "" {
		line = prefix + oneLine(line)
		if width, _, err := term.GetSize(int(r.in.Stderr.(*os.File).Fd())); err == nil {
			line = cut(line, width-1) // a cursor at the edge could wrap the line
		}
	}
	r.status = line
	_, err := fmt.Fprintf(r.in.Stderr, clearLine+"%s", line)
	return err
}

// ReadLine shows prompt and reads a line of standard input. When ctx ends, the
// line that is typed later is the next call's, since a read cannot be taken back.
func (r *PluginTerminal) ReadLine(ctx context.Context, prompt string) (string, error) {
	if !r.in.interactive() {
		return "", io.EOF
	}
	fmt.Fprint(r.in.Stderr, oneLine(prompt))
	pending := r.read()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case t := <-pending:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.pending = nil
		return t.line, t.err
	}
}

// read returns the read that is under way, or begins one.
func (r *PluginTerminal) read() chan typed {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pending == nil {
		pending := make(chan typed, 1)
		r.pending = pending
		go func() { // ends with the input, or with the process
			line, err := r.lines.ReadString('\n')
			if line != "" && errors.Is(err, io.EOF) {
				err = nil
			}
			pending <- typed{strings.TrimRight(line, "\r\n"), err}
		}()
	}
	return r.pending
}

// ReadSecret asks as [Invocation.Ask] does, unless a line is being read: then
// what is typed would be seen.
func (r *PluginTerminal) ReadSecret(ctx context.Context, prompt string) (core.Secret, error) {
	r.mu.Lock()
	reading := r.pending != nil
	r.mu.Unlock()
	if reading {
		return "", fmt.Errorf("%w: a line is being read from the terminal", errors.ErrUnsupported)
	}
	return r.in.Ask(ctx, prompt)
}
