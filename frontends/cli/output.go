package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
)

// An output is where an answer goes. Half an answer in a file could pass for a
// whole one: a file whose answer broke off is removed.
type output struct {
	io.Writer
	file *os.File // nil for standard output
	ours bool     // the file's content is this program's to remove
	err  error    // of the first Write that failed
}

// openOutput opens what --output names. It is done before anything is sent: a
// request whose answer has no place should not be made. What is in the file
// stays until there is an answer.
func (in *Invocation) openOutput() (*output, error) {
	name := in.String("output")
	if name == "" || name == "-" {
		return &output{Writer: in.Stdout}, nil
	}
	name, err := in.path("output")
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	made := err == nil
	if errors.Is(err, fs.ErrExist) {
		f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666)
	}
	if err != nil {
		return nil, &hintedError{fmt.Errorf("the output: %w", err), "name a file that can be written with -o; nothing was sent"}
	}
	return &output{Writer: f, file: f, ours: made}, nil
}

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// begin makes room for an answer.
func (o *output) begin() error {
	if o.file == nil {
		return nil
	}
	if info, err := o.file.Stat(); err != nil || !info.Mode().IsRegular() {
		return err
	}
	o.ours = true
	return o.file.Truncate(0)
}

// end closes the output: with an error, what is in it is no answer.
func (o *output) end(err error) error {
	if o.file == nil {
		return err
	}
	if closed := o.file.Close(); err == nil && closed != nil {
		err = fmt.Errorf("the output: %w", closed)
	}
	if err != nil && o.ours {
		_ = os.Remove(o.file.Name())
	}
	return err
}

// print writes an answer.
func (o *output) print(res *http.Response, include bool) error {
	if err := o.begin(); err != nil {
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
