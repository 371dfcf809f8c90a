package mcp

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// Since version 2026-07-28 there is no session: every request says in its _meta which
// version it is of, and headers repeat what the body says.

// versionKey is the member of _meta that says which version a request is of.
const versionKey = "io.modelcontextprotocol/protocolVersion"

// modern returns the version that a request is of, or "" for one of a session.
func (p part) modern() string {
	if p.method == "" || len(p.params) == 0 || !strings.Contains(string(p.params), versionKey) {
		return ""
	}
	var params struct {
		Meta map[string]json.RawMessage `json:"_meta"`
	}
	var version string
	if json.Unmarshal(p.params, &params) != nil || json.Unmarshal(params.Meta[versionKey], &version) != nil {
		return ""
	}
	return version
}

// setModern sets the headers that repeat what a request says.
func (b *bridge) setModern(h http.Header, p part, version string) {
	h.Set(versionHeader, headerValue(version))
	h.Set(methodHeader, headerValue(p.method))
	var params map[string]json.RawMessage
	_ = json.Unmarshal(p.params, &params) // which was read before
	member := ""
	switch p.method {
	case "tools/call", "prompts/get":
		member = "name"
	case "resources/read":
		member = "uri"
	}
	var name string
	if json.Unmarshal(params[member], &name) == nil {
		h.Set(nameHeader, headerValue(name))
		if p.method == "tools/call" {
			b.tools.setHeaders(h, name, params["arguments"])
		}
	}
}

// headerValue writes a value so that a header can have it.
func headerValue(s string) string {
	plain := s == strings.TrimSpace(s) && !(strings.HasPrefix(s, "=?base64?") && strings.HasSuffix(s, "?=")) &&
		!strings.ContainsFunc(s, func(r rune) bool { return (r < ' ' && r != '\t') || r > '~' })
	if plain {
		return s
	}
	return "=?base64?" + base64.StdEncoding.EncodeToString([]byte(s)) + "?="
}
