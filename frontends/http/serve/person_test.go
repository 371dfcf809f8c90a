package serve_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/frontendtest"
	"github.com/tokentoss/tokentoss/frontends/http/page"
	"github.com/tokentoss/tokentoss/frontends/signin"
	"github.com/tokentoss/tokentoss/plugins"
)

// noClient is what the widget shows where there is no OAuth client.
const noClient = "No OAuth client is configured yet"

// A person opens the page that the terminal names, as a browser does: an HTTP client
// that shows what the messages say. It is the terminal, too.
type person struct {
	frontendtest.Screen
	plugins.Terminal
	http *http.Client
	once bool // the frontend ends with the sign-in, and may have ended

	printed chan string // addresses that were not opened

	mu     sync.Mutex
	open   *view
	behind bytes.Buffer // what stands behind the page
}

func newPerson(once bool) *person {
	return &person{
		http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, once: once, printed: make(chan string, 8),
	}
}

// Print implements [plugins.Terminal].
func (p *person) Print(_ context.Context, line string) error {
	fmt.Fprintln(&p.Screen, line)
	for word := range strings.FieldsSeq(line) {
		if strings.Contains(word, "#key=") {
			p.printed <- word
		}
	}
	return nil
}

// A view is the page in one Run.
type view struct {
	base, key string
	over      chan struct{} // closed when there are no more messages

	mu      sync.Mutex
	last    signin.Snapshot
	armed   signin.Armed
	changed chan struct{}
}

// errOver: nobody is behind the page any more.
var errOver = errors.New("the page is over")

// view returns the page, which it opens if it is not open; fresh tells that it did.
func (p *person) view(ctx context.Context) (v *view, fresh bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open != nil {
		select {
		case <-p.open.over:
		default:
			return p.open, false, nil
		}
	}
	select {
	case <-ctx.Done():
		return nil, false, ctx.Err()
	case address := <-p.printed:
		base, key, _ := strings.Cut(address, "/#key=")
		v = &view{base: base, key: key, over: make(chan struct{}), changed: make(chan struct{})}
	}
	if err := p.look(ctx, v); err != nil {
		return nil, false, err
	}
	p.open = v
	return v, true, nil
}

// look loads the page, says hello, and begins to listen.
func (p *person) look(ctx context.Context, v *view) error {
	for _, path := range []string{"/", "/page.js", "/page.css", "/host.js", "/widget.js", "/widget.css", "/icon.svg"} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.base+path, nil)
		if err != nil {
			return err
		}
		answer, err := p.http.Do(r)
		if err != nil {
			return errors.Join(errOver, err)
		}
		_, err = io.Copy(&p.behind, answer.Body)
		if answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s, %w", path, answer.Status, err)
		}
	}
	if err := p.post(ctx, v, signin.ClientMessage{Type: "hello"}); err != nil {
		return err
	}
	r, err := http.NewRequest(http.MethodGet, v.base+"/events", nil) // ends with the frontend
	if err != nil {
		return err
	}
	r.Header.Set(page.KeyHeader, v.key)
	answer, err := p.http.Do(r)
	if err != nil {
		return errors.Join(errOver, err)
	}
	go p.listen(v, answer.Body)
	return nil
}

// listen shows messages until there are no more.
func (p *person) listen(v *view, body io.ReadCloser) {
	defer close(v.over)
	defer body.Close()
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		p.mu.Lock()
		p.behind.WriteString(data)
		p.mu.Unlock()
		var kind struct{ Type string }
		_ = json.Unmarshal([]byte(data), &kind)
		v.mu.Lock()
		if kind.Type == "armed" {
			_ = json.Unmarshal([]byte(data), &v.armed)
			fmt.Fprintf(&p.Screen, "%s\n%s\n", v.armed.AuthURL, v.armed.Code)
		} else {
			v.last = signin.Snapshot{}
			_ = json.Unmarshal([]byte(data), &v.last)
			p.show(v.last)
		}
		close(v.changed)
		v.changed = make(chan struct{})
		v.mu.Unlock()
	}
}

// show writes what the widget shows of a snapshot.
func (p *person) show(s signin.Snapshot) {
	fmt.Fprintf(&p.Screen, "%s %s %s\n", s.Phase, s.Account, s.Reason)
	if s.Phase == signin.Unconfigured {
		fmt.Fprintln(&p.Screen, noClient)
	}
	if s.Error != nil {
		fmt.Fprintln(&p.Screen, s.Error.Message, s.Error.Detail)
	}
}

// post sends a message.
func (p *person) post(ctx context.Context, v *view, m signin.ClientMessage) error {
	m.V = signin.Version
	data, err := json.Marshal(struct {
		signin.ClientMessage
		URL          string `json:"url,omitempty"`
		ClientSecret string `json:"client_secret,omitempty"`
	}{m, m.URL.Reveal(), m.ClientSecret.Reveal()})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, v.base+"/message", bytes.NewReader(data))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(page.KeyHeader, v.key)
	answer, err := p.http.Do(r)
	if err != nil {
		return errors.Join(errOver, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("POST /message: %s", answer.Status)
	}
	return nil
}

// wait waits until ok, and returns the snapshot for which it is.
func (v *view) wait(ctx context.Context, ok func(signin.Snapshot) bool) (signin.Snapshot, error) {
	for {
		v.mu.Lock()
		s, changed := v.last, v.changed
		v.mu.Unlock()
		if s.Type != "" && ok(s) {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return s, ctx.Err()
		case <-v.over:
			return s, errOver
		case <-changed:
		}
	}
}

// does sends a message from the page that is open.
func (p *person) does(ctx context.Context, make func(*view) signin.ClientMessage) error {
	v, _, err := p.view(ctx)
	if err != nil {
		return err
	}
	v.mu.Lock()
	m := make(v)
	v.mu.Unlock()
	return p.post(ctx, v, m)
}

// SignIn implements [frontendtest.Person]. Opening the page is enough, the first time.
func (p *person) SignIn(ctx context.Context) error {
	for {
		v, fresh, err := p.view(ctx)
		if err == nil {
			err = p.ask(ctx, v, fresh)
		}
		if errors.Is(err, errOver) && p.once && (v == nil || fresh) {
			return nil // it has signed in, or failed, by itself
		}
		if !errors.Is(err, errOver) {
			return err
		}
		if v != nil { // the page of an earlier Run
			<-v.over
		}
	}
}

// ask asks to sign in on a page.
func (p *person) ask(ctx context.Context, v *view, fresh bool) error {
	s, err := v.wait(ctx, func(s signin.Snapshot) bool {
		return s.Attempt != 0 || s.Busy == "" && (s.Phase == signin.SignedOut || s.Phase == signin.NeedsSignIn)
	})
	if err != nil {
		return err
	}
	if fresh && (s.Attempt != 0 || s.Error != nil) {
		return nil
	}
	return p.post(ctx, v, signin.ClientMessage{Type: "arm"})
}

// Address implements [frontendtest.Person]. The person clicks.
func (p *person) Address(ctx context.Context) (string, error) {
	address, err := p.Screen.Address(ctx)
	if err != nil {
		return "", err
	}
	return address, p.does(ctx, func(v *view) signin.ClientMessage {
		return signin.ClientMessage{Type: "opened", Attempt: v.armed.Attempt}
	})
}

// Paste implements [frontendtest.Person].
func (p *person) Paste(ctx context.Context, text string) error {
	return p.does(ctx, func(v *view) signin.ClientMessage {
		return signin.ClientMessage{Type: "redirect", Attempt: v.armed.Attempt, URL: core.Secret(text)}
	})
}

// Configure implements [frontendtest.Configurer].
func (p *person) Configure(ctx context.Context, c core.ClientSecrets) error {
	return p.does(ctx, func(*view) signin.ClientMessage {
		return signin.ClientMessage{Type: "configure", ClientID: c.ClientID, ClientSecret: c.ClientSecret}
	})
}

// SignOut implements [frontendtest.SignOuter].
func (p *person) SignOut(ctx context.Context) error {
	return p.does(ctx, func(*view) signin.ClientMessage { return signin.ClientMessage{Type: "sign_out"} })
}

// Sees implements [frontendtest.Person]. The page has to be open for it.
func (p *person) Sees(ctx context.Context, text string) error {
	opening, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { _, _, _ = p.view(opening) })
	err := p.Screen.Sees(ctx, text)
	cancel()
	work.Wait()
	return err
}

// Shown implements [frontendtest.Person].
func (p *person) Shown() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Screen.Shown() + p.behind.String()
}
