package rpc

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/tokentoss/tokentoss/core/fault"
)

// maxLine bounds a line from the client, in bytes.
const maxLine = 1 << 20

// A line is one from the client, or why there is no more.
type line struct {
	data []byte
	long bool // it was longer than maxLine, and was skipped
	err  error
}

// readLines sends the lines of r until there are no more or ctx ends. What comes
// after the last line break is half a message, and nobody's.
func readLines(ctx context.Context, r io.Reader, to chan<- line) {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		l := readLine(in)
		select {
		case to <- l:
		case <-ctx.Done():
			return
		}
		if l.err != nil {
			return
		}
	}
}

func readLine(in *bufio.Reader) line {
	var l line
	for {
		part, err := in.ReadSlice('\n')
		if l.long = l.long || len(l.data)+len(part) > maxLine; l.long {
			l.data = nil
		} else {
			l.data = append(l.data, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			l.err = err
			return l
		}
	}
}

// A message is a request of the client, or a notification, which has no ID.
type message struct {
	ID     json.RawMessage
	Method string
	Params json.RawMessage // an object
}

// isID tells whether a JSON value may identify a request: a string of some length, or
// an integer.
func isID(value json.RawMessage) bool {
	if value[0] == '"' {
		var s string
		return json.Unmarshal(value, &s) == nil && utf8.RuneCountInString(s) <= 200
	}
	digits := bytes.TrimPrefix(value, []byte("-"))
	return len(digits) <= 19 && !bytes.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
}

// parse reads a message. Its error does not quote it: there may be a secret in it.
// With an error there may be an ID to answer to.
func parse(data []byte) (message, error) {
	var m struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Method  *string         `json:"method"`
		Params  json.RawMessage `json:"params"`
	}
	if !utf8.Valid(data) || !json.Valid(data) {
		return message{}, misuse(codeParse, "a line is not JSON")
	}
	switch first := bytes.TrimSpace(data)[0]; {
	case first == '[':
		return message{}, misuse(codeInvalidRequest, "there are no batches: send each message in a line of its own")
	case first != '{' || json.Unmarshal(data, &m) != nil:
		return message{}, misuse(codeInvalidRequest, "a message is not an object with the members of JSON-RPC")
	case m.ID != nil && !isID(m.ID):
		return message{}, misuse(codeInvalidRequest, "an id is an integer or a string of at most 200 characters")
	case m.Version != "2.0":
		return message{ID: m.ID}, misuse(codeInvalidRequest, `a message does not have "jsonrpc": "2.0"`)
	case m.Method == nil:
		return message{ID: m.ID}, misuse(codeInvalidRequest, "a message has no method")
	}
	return message{ID: m.ID, Method: *m.Method, Params: m.Params}, nil
}

// params reads the params of a request, strictly: a member that is not known is a
// typing mistake.
func params[P any](data json.RawMessage) (P, error) {
	var p P
	if len(data) == 0 || string(data) == "null" {
		data = json.RawMessage("{}")
	}
	if data[0] != '{' {
		return p, misuse(codeInvalidParams, "params is not an object")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(&p)
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return p, nil
	case errors.As(err, &kind) && kind.Field != "":
		return p, misuse(codeInvalidParams, "params: %s cannot be a JSON %s", kind.Field, kindOf(kind.Value))
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok && len(name) < 80 {
		return p, misuse(codeInvalidParams, "params: there is no %s", name)
	}
	return p, misuse(codeInvalidParams, "params has not the form that the method wants")
}

// kindOf leaves the value out of what package json says of it.
func kindOf(value string) string {
	kind, _, _ := strings.Cut(value, " ")
	return kind
}

// A response answers a request.
type response struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *Problem        `json:"error,omitempty"`
}

// A notification is one from here.
type notification struct {
	Version string `json:"jsonrpc"`
	Method  string `json:"method"`
	Params  any    `json:"params"`
}

// The codes of JSON-RPC 2.0, section 5.1.
const (
	codeParse          = -32700
	codeInvalidRequest = -32600
	codeMethodNotFound = -32601
	codeInvalidParams  = -32602
	codeInternal       = -32603
	codeServer         = -32000 // what is not a mistake of the client's program
)

// A Problem is an error as the client gets it. It has no secret in it.
type Problem struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    *Data  `json:"data,omitempty"`
}

// Data says in one word what went wrong, and what to do next.
type Data struct {
	Reason string `json:"reason"` // a fault.Kind, or one of this protocol's own
	Hint   string `json:"hint,omitempty"`

	// Action is the fault.Action that the hint is about, Subject what it is done to, and
	// Value to or for what, for clients with words of their own. They are empty where
	// the hint is in the words of the error's author.
	Action  string `json:"action,omitempty"`
	Subject string `json:"subject,omitempty"`
	Value   string `json:"value,omitempty"`

	// Exception is what the Python package raises.
	Exception string `json:"exception,omitempty"`
}

func (p *Problem) Error() string { return p.Message }

// misuse is a mistake of the client's program.
func misuse(code int, format string, args ...any) *Problem {
	return &Problem{Code: code, Message: fmt.Sprintf(format, args...)}
}

// failure is a request that could not be done.
func failure(reason, message, hint string) *Problem {
	return &Problem{Code: codeServer, Message: message, Data: &Data{
		Reason: reason, Hint: hint, Exception: fault.Kind(reason).Row().Python,
	}}
}
