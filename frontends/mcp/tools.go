package mcp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// tools are what the server said of its tools: which of their parameters headers repeat
// (x-mcp-header, since version 2026-07-28).
type tools struct {
	mu      sync.Mutex
	headers map[string][]paramHeader // by the tool's name
}

// A paramHeader is a header that repeats a parameter.
type paramHeader struct {
	name string
	path []string // of members
}

// learn reads the answer to a tools/list request, if m is one.
func (t *tools) learn(m *message, c *call) {
	if c == nil || !c.modern || !bytes.Contains(m.text, []byte("x-mcp-header")) {
		return
	}
	var result struct {
		Tools []struct {
			Name  string `json:"name"`
			Input schema `json:"inputSchema"`
		} `json:"tools"`
	}
	if json.Unmarshal(m.only().result, &result) != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.headers == nil {
		t.headers = make(map[string][]paramHeader)
	}
	for _, tool := range result.Tools {
		t.headers[tool.Name] = tool.Input.headers(nil)
	}
}

// A schema is what matters of the schema of a parameter.
type schema struct {
	Header     string            `json:"x-mcp-header"`
	Properties map[string]schema `json:"properties"`
}

func (s schema) headers(path []string) (list []paramHeader) {
	if s.Header != "" && len(path) > 0 && isToken(s.Header) {
		list = append(list, paramHeader{"Mcp-Param-" + s.Header, path})
	}
	for name, below := range s.Properties {
		list = append(list, below.headers(append(path[:len(path):len(path)], name))...)
	}
	return list
}

// setHeaders sets those of a call of a tool.
func (t *tools) setHeaders(h http.Header, tool string, arguments json.RawMessage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.headers[tool] {
		value := arguments
		for _, name := range p.path {
			var members map[string]json.RawMessage
			_ = json.Unmarshal(value, &members) // what is no object has no member
			value = members[name]
		}
		if text, ok := primitive(value); ok {
			h.Set(p.name, headerValue(text))
		}
	}
}

// primitive returns a string, an integer or a boolean as text.
func primitive(value json.RawMessage) (string, bool) {
	var v any
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return "", false
	}
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// isToken tells whether a name can stand in that of a header (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}
