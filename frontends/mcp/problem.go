package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
)

// prefix is on errors of the bridge, to tell them from the server's.
const prefix = "tokentoss: "

// maxErrorBody is how much of an answer is read that is no message.
const maxErrorBody = 64 << 10

// maxExcerpt is how much of it is shown.
const maxExcerpt = 200

// fail answers requests with an error: the server's own, or what went wrong here and what
// to do about it.
func (b *bridge) fail(ids []json.RawMessage, err error) {
	if len(ids) == 0 {
		return
	}
	var e any
	var refused *statusError
	if errors.As(err, &refused) && refused.rpc != nil {
		e = refused.rpc
	} else {
		text, hint := b.opts.Explain(err)
		data := map[string]string{"kind": string(fault.Of(err))}
		if text = prefix + text; hint != "" {
			text += "; hint: " + hint
			data["hint"] = hint
		}
		e = responseError{Code: codeInternal, Message: fault.Line(text), Data: data}
	}
	for _, id := range ids {
		b.out.write(failure(id, e))
	}
}

// A NoAnswerError is a request to which there was no answer of the server: that of the
// client's transport.
type NoAnswerError struct {
	Host string
	Err  error
}

func (e *NoAnswerError) Error() string { return "no answer from " + e.Host + ": " + e.Err.Error() }
func (e *NoAnswerError) Unwrap() error { return e.Err }

// A statusError is an answer that is no success, or no message.
type statusError struct {
	host   string
	status string          // as "503 Service Unavailable", or what it is instead
	code   int             // the status code
	text   string          // what the server says about it, in one line
	rpc    json.RawMessage // the JSON-RPC error in it
	hint   string
}

func (e *statusError) Error() string {
	text := e.host + " answered " + e.status
	if e.text != "" {
		text += ": " + e.text
	}
	return text
}

// Remedy says what to do next.
func (e *statusError) Remedy() fault.Remedy {
	if e.hint == "" {
		return fault.Remedy{}
	}
	return fault.Say("%s", e.hint)
}

// isOfOlder tells whether a server that speaks HTTP with SSE may answer so to an
// initialize request.
func (e *statusError) isOfOlder() bool {
	return e.code == http.StatusBadRequest || e.code == http.StatusNotFound || e.code == http.StatusMethodNotAllowed
}

const (
	checkURL = "check the URL: it is that of the server's MCP endpoint, often with /mcp or /sse at the end"
	itsOwn   = "the server wants a credential of its own, beside the sign-in: ask its owner, and send it with a header"
)

// check returns the error of an answer that is no success. m is what was posted, if
// something was.
func (b *bridge) check(res *http.Response, s *session, m *message) error {
	if res.StatusCode/100 == 2 {
		return nil
	}
	inSession := s.id != "" || s.endpoint != nil
	if m != nil && (m.only().method == methodInitialize || m.only().modern() != "") {
		inSession = false
	}
	if res.StatusCode == http.StatusNotFound && inSession {
		return errGone
	}
	e := &statusError{host: b.url.Host, status: fmt.Sprintf("%d %s", res.StatusCode, http.StatusText(res.StatusCode)), code: res.StatusCode}
	switch res.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		e.hint = itsOwn
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		e.hint = checkURL
	}
	if to, err := res.Location(); err == nil && res.StatusCode/100 == 3 {
		to = &url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}
		e.text, e.hint = "a redirect to "+fault.Line(to.String())+", which was not followed", "if that is the server, use its address"
		return e
	}
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxErrorBody)) // what cannot be read says nothing
	if own, err := parse(body); err == nil && own.only().err != nil {
		e.rpc = own.only().err
	} else {
		e.text = excerpt(res.Header.Get("Content-Type"), body)
	}
	return e
}

// excerpt returns the beginning of a body that a person can read.
func excerpt(contentType string, body []byte) string {
	kind, _, _ := mime.ParseMediaType(contentType)
	if kind != "text/plain" && kind != jsonType {
		return ""
	}
	text := strings.ToValidUTF8(fault.Line(strings.TrimSpace(string(body))), "")
	if len(text) > maxExcerpt {
		text = strings.ToValidUTF8(text[:maxExcerpt], "") + "..."
	}
	return text
}

// newContentError is the error of an answer that has no messages.
func newContentError(res *http.Response, kind string) error {
	what := kind
	if what == "" {
		what = "nothing"
	}
	e := &statusError{host: res.Request.URL.Host, status: "with " + fault.Line(what) + " in place of messages", code: res.StatusCode}
	if kind != "" {
		e.hint = checkURL
	}
	return e
}

// A brokenError is a stream that ended before the answer.
type brokenError struct {
	host string
	err  error
}

func (e *brokenError) Error() string {
	text := "the connection to " + e.host + " ended before the answer"
	if e.err != nil && !errors.Is(e.err, io.EOF) {
		text += " (" + e.err.Error() + ")"
	}
	return text + "; whether the server did what was asked is not known"
}

func (e *brokenError) Unwrap() error { return e.err }

// isTemporary tells whether to try again to take up a stream.
func isTemporary(err error) bool {
	var refused *statusError
	switch {
	case errors.Is(err, errGone), errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &refused):
		return refused.code >= 500 || refused.code == http.StatusTooManyRequests || refused.code == http.StatusRequestTimeout
	}
	return true // the network, or a sign-in that is needed
}
