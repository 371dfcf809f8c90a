package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/tokentoss/tokentoss/core"
)

// confirmTimeout is how long a question waits for its answer.
const confirmTimeout = 2 * time.Minute

// A terminal is the command line's [core.Frontend]. It signs a person in: it
// opens the browser, shows the address and how long is left, and takes a pasted
// address.
type terminal struct {
	in        *Invocation
	browser   string
	loginLock *loginLock

	before core.Status    // of the session
	links  []*browserLink // until the end of Run
	lines  <-chan string  // of standard input, once somebody asked for them
	count  string         // the countdown that stands on the screen
}

var (
	_ core.Frontend  = (*terminal)(nil)
	_ core.Confirmer = (*terminal)(nil)
)

// Run implements [core.Frontend]. It ends when the person is signed in.
func (t *terminal) Run(ctx context.Context, app core.App) error {
	defer t.close()
	if before, err := app.Status(ctx); err == nil {
		t.before = before // what cannot be read is the sign-in's to report
	}
	st, err := app.SignIn(ctx, t)
	t.done()
	if err != nil {
		return err
	}
	t.in.say.say("signed in as %s", st.Account())
	return nil
}

// Confirm implements [core.Confirmer]. Whoever can have the person open an address, or
// reach the redirect, could have them signed in with another account than they think.
func (t *terminal) Confirm(ctx context.Context, st core.Status) error {
	if t.before.Account() == "" || t.before.Account() == st.Account() || st.Account() == "" {
		return nil
	}
	t.done()
	t.in.say.warn("this is the account %s; before, it was %s", st.Account(), t.before.Account())
	if !isTerminal(t.in.Stdin) || !isTerminal(t.in.Stderr) || strings.EqualFold(t.in.String("login-hint"), st.Account()) {
		return nil
	}
	fmt.Fprintf(t.in.Stderr, "%suse %s from now on? [y/N] ", prefix, oneLine(st.Account()))
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case line := <-t.input():
		if answer := strings.ToLower(strings.TrimSpace(line)); answer == "y" || answer == "yes" {
			return nil
		}
	}
	return &hintedError{errors.New("the session is still that of " + t.before.Account()), "tokentoss login --login-hint " + t.before.Account()}
}

// input returns the lines of standard input. A closed channel is its end.
func (t *terminal) input() <-chan string {
	if t.lines == nil {
		t.lines = readLines(t.in.Stdin)
	}
	return t.lines
}

// Prompt implements [core.Prompter].
func (t *terminal) Prompt(ctx context.Context, p core.Prompt) (string, error) {
	say := t.in.say
	if p.Problem != "" {
		t.done()
		say.warn("not taken: %s", p.Problem)
	} else {
		t.loginLock.show(p)
		if p.Code != "" {
			t.in.showCode(p)
		} else {
			t.open(ctx, p)
		}
		if !isTerminal(t.in.Stdin) {
			say.say("waiting for the sign-in, at most %s", time.Until(p.Deadline).Round(time.Second))
		}
	}
	if !isTerminal(t.in.Stdin) {
		<-ctx.Done()
		return "", ctx.Err()
	}
	copies := canDecorate(t.in.Stderr, os.Getenv)
	pastes := p.RedirectURL != "" // where there is no redirect, there is nothing to paste
	if t.lines == nil && (pastes || copies) {
		t.input()
		if pastes {
			say.say("if the browser ends on a page that cannot be reached, paste that page's address here")
		}
		if copies {
			say.say("to copy the address above, type %s and Enter", copyKey)
		}
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		t.countdown(time.Until(p.Deadline))
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case line, ok := <-t.lines:
			if !ok { // end of input: the browser is the only way left
				t.lines = make(chan string)
				continue
			}
			switch {
			case line == copyKey && copies:
				t.copy(p.URL)
			case line != "" && pastes:
				return line, nil
			}
		case <-tick.C:
		}
	}
}

// open opens the browser, or says how to. The address is always shown: whether a
// browser that was started shows anything cannot be known.
func (t *terminal) open(ctx context.Context, p core.Prompt) {
	say := t.in.say
	how := "open this address in your browser:"
	if t.browser != noBrowser && (t.browser != "" || wantsBrowser()) {
		switch err := t.browse(ctx, p.URL); {
		case err == nil:
			how = "your browser is opening; if it does not, open this address:"
		case t.browser == "":
			say.say("no browser can be opened here: %v", err)
		default:
			say.warn("the browser command failed: %v", err)
		}
	}
	say.say("%s", how)
	t.in.showAddress(p.URL)
	if t.in.Bool("qr") {
		t.in.showQR(p.URL)
	}
}

// copyKey, on a line of its own, copies the address to the clipboard of the terminal.
const copyKey = "c"

// copy copies the address, since the person asked for it.
func (t *terminal) copy(url string) {
	t.done()
	fmt.Fprint(t.in.Stderr, clipboard(url))
	t.in.say.say("sent to your terminal's clipboard; if pasting gives nothing, select the address")
}

// showQR shows a QR code for a telephone to read, where it fits.
func (in *Invocation) showQR(text string) {
	if !canDecorate(in.Stderr, os.Getenv) {
		return
	}
	width, _, err := term.GetSize(int(in.Stderr.(*os.File).Fd()))
	if err != nil {
		width = 0
	}
	if code := qrCode(text, width); code != "" {
		fmt.Fprint(in.Stderr, code)
		return
	}
	in.say.say("the QR code is wider than this terminal")
}

// browse opens a browser by way of a link, which stays until the sign-in has ended.
func (t *terminal) browse(ctx context.Context, url string) error {
	link, err := newBrowserLink(url)
	if err != nil {
		return err
	}
	t.links = append(t.links, link)
	return openBrowser(ctx, t.browser, link.url)
}

// show sets something apart that is to be copied.
func (in *Invocation) show(text string) { in.showRaw(oneLine(text)) }

// showRaw is show for what may hold control characters of our own.
func (in *Invocation) showRaw(text string) { fmt.Fprintf(in.Stderr, "\n  %s\n\n", text) }

// showCode says where to type in the code of a sign-in on another device, and when
// not to. The address is opened by nobody but the person, who has the code then.
func (in *Invocation) showCode(p core.Prompt) {
	host := p.URL
	if u, err := url.Parse(p.URL); err == nil {
		host = u.Host
	}
	in.say.say("open this address on any device that has a browser:")
	in.showAddress(p.URL)
	in.showQR(p.URL)
	in.say.say("and type in this code there:")
	in.show(p.Code)
	in.say.warn("type it in only if you began this sign-in yourself, and only at %s: whoever has the machine that shows the code is signed in as you", host)
}

// countdown shows how long is left, above the line on which a person types.
func (t *terminal) countdown(left time.Duration) {
	if !isTerminal(t.in.Stderr) {
		return
	}
	// Rarely, as long as there is time: what a person pastes is being drawn over.
	step := time.Second
	if left > time.Minute {
		step = 10 * time.Second
	}
	text := fmt.Sprintf("%swaiting for the sign-in, %s left", prefix, max(left, 0).Round(step))
	if width, _, err := term.GetSize(int(t.in.Stderr.(*os.File).Fd())); err == nil {
		text = cut(text, width)
	}
	switch t.count {
	case text:
	case "":
		fmt.Fprintf(t.in.Stderr, "%s\n", text)
	default:
		// Save the cursor, one line up, rewrite the line, restore the cursor.
		fmt.Fprintf(t.in.Stderr, "\x1b7\x1b[A\r%s\x1b[K\x1b8", text)
	}
	t.count = text
}

// cut makes text fit a line of the terminal: one that is wrapped could not be
// rewritten. A width of zero is not known.
func cut(text string, width int) string {
	if 0 < width && width < len(text) {
		return text[:width]
	}
	return text
}

// close takes away what a browser has opened by now.
func (t *terminal) close() {
	for _, l := range t.links {
		l.remove()
	}
}

// done leaves the countdown behind.
func (t *terminal) done() { t.count = "" }

// readLines reads lines until the input or the process ends: a read of a
// terminal cannot be taken back.
func readLines(f *os.File) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(f)
		s.Buffer(nil, maxInput)
		for s.Scan() {
			lines <- s.Text()
		}
	}()
	return lines
}

// readHidden reads a line that is not shown. When ctx ends, the terminal is as it
// was before; the read itself ends with the process.
func readHidden(ctx context.Context, fd int) ([]byte, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	var line []byte
	read := make(chan error, 1)
	go func() {
		var err error
		line, err = term.ReadPassword(fd)
		read <- err
	}()
	select {
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		return nil, ctx.Err()
	case err := <-read:
		return line, err
	}
}

// isTerminal tells whether v is a file that is a terminal.
func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && f != nil && term.IsTerminal(int(f.Fd()))
}
