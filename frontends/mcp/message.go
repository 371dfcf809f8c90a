package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Codes of JSON-RPC errors (https://www.jsonrpc.org/specification#error_object).
const (
	codeParse    = -32700
	codeInvalid  = -32600
	codeInternal = -32603
	codeNoMethod = -32601
)

// Methods that the transports are about.
const (
	methodInitialize  = "initialize"
	methodInitialized = "notifications/initialized"
	methodCancelled   = "notifications/cancelled"
)

// Errors of what is not a message.
var (
	errParse   = errors.New("this is not JSON in UTF-8")
	errInvalid = errors.New("this is not a JSON-RPC message")
)

// An invalidError is an object that is not a JSON-RPC message, but has an ID.
type invalidError struct{ id json.RawMessage }

func (e *invalidError) Error() string { return errInvalid.Error() }

// A message is a JSON-RPC message, or a batch of them, as it was written.
type message struct {
	text  []byte // on one line
	parts []part // one, or those of a batch
}

// A part is one message: a request (a method and an id), a notification (a method) or a
// response (an id).
type part struct {
	id          json.RawMessage // nil for none
	method      string
	params      json.RawMessage
	result, err json.RawMessage // of a response
}

func (p part) isRequest() bool  { return p.method != "" && p.id != nil }
func (p part) isResponse() bool { return p.method == "" }

// hasID tells whether a response says what it answers.
func (p part) hasID() bool { return p.id != nil && string(p.id) != "null" }

// jsonSpace is what may stand around a value (RFC 8259 section 2).
const jsonSpace = " \t\r\n"

// parse reads a message. Its text is data, but for the ends of lines between the values.
func parse(data []byte) (*message, error) {
	data = bytes.Trim(data, jsonSpace)
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, errParse
	}
	m := &message{text: data}
	if bytes.ContainsAny(data, "\n\r") {
		var line bytes.Buffer
		_ = json.Compact(&line, data) // which is valid
		m.text = line.Bytes()
	}
	var list []json.RawMessage
	if m.text[0] != '[' {
		list = append(list, m.text)
	} else if err := json.Unmarshal(m.text, &list); err != nil || len(list) == 0 {
		return nil, errInvalid
	}
	for _, text := range list {
		p, err := partOf(text)
		if err != nil {
			return nil, err
		}
		m.parts = append(m.parts, p)
	}
	return m, nil
}

// partOf reads one message. The names of its members are exact, unlike those of a struct.
func partOf(text json.RawMessage) (part, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return part{}, errInvalid
	}
	p := part{id: members["id"], params: members["params"], result: members["result"], err: members["error"]}
	if method, ok := members["method"]; ok {
		if err := json.Unmarshal(method, &p.method); err != nil || p.method == "" {
			return part{}, &invalidError{p.id}
		}
		p.result, p.err = nil, nil
	} else if p.result == nil && p.err == nil {
		return part{}, &invalidError{p.id}
	}
	if p.id != nil && strings.ContainsAny(string(p.id[:1]), "[{tf") {
		return part{}, errInvalid // an ID is a string, a number or null
	}
	return p, nil
}

// only returns the message's part if it is no batch, or else an empty one.
func (m *message) only() part {
	if len(m.parts) == 1 {
		return m.parts[0]
	}
	return part{}
}

// requests returns the IDs of the requests in m.
func (m *message) requests() (ids []json.RawMessage) {
	for _, p := range m.parts {
		if p.isRequest() {
			ids = append(ids, p.id)
		}
	}
	return ids
}

// keyOf returns what two IDs have in common that are the same JSON value.
func keyOf(id json.RawMessage) string {
	text := string(id)
	if strings.HasPrefix(text, `"`) {
		var s string
		_ = json.Unmarshal(id, &s) // which is valid
		return `"` + s
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && strings.ContainsAny(text, ".eE") && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.FormatInt(int64(f), 10)
	}
	return text
}

// cancelled returns the ID of the request that a cancellation is about, or nil.
func (p part) cancelled() json.RawMessage {
	if p.method != methodCancelled {
		return nil
	}
	var params map[string]json.RawMessage
	_ = json.Unmarshal(p.params, &params)
	return params["requestId"]
}

// A responseError is the error of a response. Of a server's own, the members are as they
// came.
type responseError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// failure returns the response to a request that failed: e is a [responseError], or the
// text of a server's. A nil id is null.
func failure(id json.RawMessage, e any) []byte {
	if id == nil {
		id = json.RawMessage("null")
	}
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false) // what is quoted stays as it was
	_ = enc.Encode(struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   any             `json:"error"`
	}{"2.0", id, e}) // which has nothing that JSON has not
	return bytes.TrimSpace(line.Bytes())
}
