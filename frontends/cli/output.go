package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/tokentoss/tokentoss/core/privatefile"
)

// An output is where an answer goes. A file gets its name when the answer is whole,
// and what has that name stays until then.
type output struct {
	to       io.Writer
	file     *privatefile.Output // nil for standard output
	received atomic.Int64        // bytes of the answer
	err      error               // of the first Write that failed
}

// openOutput opens what --output names. It is done before anything is sent: a request
// whose answer has no place should not be made.
func (in *Invocation) openOutput(part *partial) (*output, error) {
	name := in.String("output")
	if name == "" || name == "-" {
		return &output{to: in.Stdout}, nil
	}
	name, err := in.path("output")
	if err != nil {
		return nil, err
	}
	if part.begun() {
		if f, err := privatefile.ReopenOutput(name, part.Part); err == nil {
			o := &output{to: f, file: f}
			if info, err := f.Stat(); err == nil {
				o.received.Store(info.Size())
			}
			return o, nil
		}
		part.forget() // it is gone
	}
	f, err := privatefile.CreateOutput(name, 0o666)
	if err != nil {
		return nil, &hintedError{fmt.Errorf("the output: %w", err), "name a file that can be written with -o; nothing was sent"}
	}
	return &output{to: f, file: f}, nil
}

// isFile tells whether the answer is a file that is not there before it is whole.
func (o *output) isFile() bool { return o.file != nil && o.file.IsFile() }

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	n, err := o.to.Write(p)
	o.received.Add(int64(n))
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// begin makes room for an answer, or for the rest of one.
func (o *output) begin(res *http.Response) error {
	if !o.isFile() || res.StatusCode == http.StatusPartialContent {
		return nil
	}
	o.received.Store(0)
	return o.file.Truncate(0)
}

// end closes the output: with an error, what is in it is not an answer. What can be
// continued is kept.
func (o *output) end(err error, keep bool) error {
	switch {
	case o.file == nil:
		return err
	case err == nil:
		if err = o.file.Commit(); err != nil {
			err = fmt.Errorf("the output: %w", err)
		}
	case keep:
		_ = o.file.Close()
	default:
		o.file.Abort()
	}
	return err
}

// print writes an answer.
func (o *output) print(res *http.Response, include bool) error {
	if err := o.begin(res); err != nil {
		return fmt.Errorf("the output: %w", err)
	}
	if include {
		fmt.Fprintf(o, "%s %s\r\n", res.Proto, res.Status)
		_ = res.Header.Write(o)
		fmt.Fprint(o, "\r\n")
	}
	_, err := io.Copy(o, res.Body)
	switch {
	case o.err != nil:
		return &hintedError{fmt.Errorf("the output: %w", o.err), "make room, or name another place with -o; the request was answered"}
	case err != nil:
		return fmt.Errorf("the answer broke off: %w", err)
	}
	return nil
}

// progress is how far the answer is.
func (o *output) progress(res *http.Response) string {
	have, all := o.received.Load(), res.ContentLength
	if all <= 0 {
		return fmt.Sprintf("received %s", megabytes(have))
	}
	if from, total, ok := contentRange(res); ok {
		all = max(total, from)
	}
	return fmt.Sprintf("received %s of %s, %d %%", megabytes(have), megabytes(all), have*100/max(all, 1))
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// fetch sends a request, and puts the answer where the options say. An error of the
// service leaves a file as it was.
func (in *Invocation) fetch(ctx context.Context, client *http.Client, req *http.Request) (*http.Response, error) {
	part := in.partialOf(ctx, req)
	defer part.unlock()
	out, err := in.openOutput(part)
	if err != nil {
		return nil, err
	}
	part.ask(req, out)
	res, err := client.Do(req)
	if err != nil {
		return nil, out.end(err, part.begun())
	}
	defer res.Body.Close()
	switch {
	case out.isFile() && res.StatusCode >= 400:
		if res.StatusCode == http.StatusRequestedRangeNotSatisfiable {
			part.forget() // the next time begins anew
		}
		return res, in.unlessAnswered(out.end(errAnswered, part.begun()))
	case !part.continues(res, out):
		part.forget()
		return nil, out.end(&hintedError{errors.New("the service does not continue what was received before"), "run the same command again: it begins anew"}, false)
	}
	part.begin(res, out)
	if out.file != nil || !isTerminal(in.Stdout) {
		defer in.showProgress(func() string { return out.progress(res) })()
	}
	err = out.print(res, in.Bool("include"))
	keep := err != nil && out.err == nil && part.begun()
	if err := out.end(err, keep); err != nil {
		if keep {
			return res, &hintedError{err, fmt.Sprintf("run the same command again: it goes on after the %s that were received", megabytes(out.received.Load()))}
		}
		part.forget()
		return res, err
	}
	part.forget()
	return res, nil
}

// errAnswered stands for an answer that is not kept.
var errAnswered = errors.New("the service answered with an error")

func (in *Invocation) unlessAnswered(err error) error {
	if errors.Is(err, errAnswered) {
		return nil
	}
	return err
}

// stderrTerminal returns standard error if that is a terminal, or else nil.
func (in *Invocation) stderrTerminal() *os.File {
	if !isTerminal(in.Stderr) {
		return nil
	}
	return in.Stderr.(*os.File)
}
