package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// read reads all events of a stream.
func read(r io.Reader, limit int) (list []event, err error) {
	events := newEventReader(r)
	events.limit = limit
	for {
		e, err := events.next()
		if err != nil {
			return list, err
		}
		list = append(list, e)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	id := func(s string) *string { return &s }
	for stream, want := range map[string][]event{
		"data: a\n\n":                         {{data: []byte("a")}},
		"data:a\r\rdata:b\r\n\r\ndata: c\n\r": {{data: []byte("a")}, {data: []byte("b")}, {data: []byte("c")}},
		"\xef\xbb\xbfdata: a\n\n":             {{data: []byte("a")}},
		"data: a\ndata:  b\ndata\n\n":         {{data: []byte("a\n b\n")}},
		"id: 1\n\n":                           {{id: id("1")}},
		"id: 1\ndata:\n\n":                    {{id: id("1"), data: []byte{}}},
		"id\ndata: x\n\n":                     {{id: id(""), data: []byte("x")}},
		"id: a\x00b\ndata: x\n\n":             {{data: []byte("x")}},
		": c\n\nevent: e\n\ndata: x\n\n":      {{data: []byte("x")}},
		"event: e\ndata: x\n\n":               {{name: "e", data: []byte("x")}},
		"data: cut off\n":                     nil, "data: cut off": nil, "": nil, "\n\n\n": nil, "nonsense\n\n": nil, "Data: x\n\n": nil,
	} {
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(stream), "by bytes": iotest.OneByteReader(strings.NewReader(stream))} {
			if got, err := read(r, 100); !errors.Is(err, io.EOF) || !sameEvents(got, want) {
				t.Errorf("%q %s: %+v, %v", stream, name, got, err)
			}
		}
	}
}

func sameEvents(a, b []event) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].name != b[i].name || !bytes.Equal(a[i].data, b[i].data) || !reflect.DeepEqual(a[i].id, b[i].id) {
			return false
		}
	}
	return true
}

// An event that is too large is an error, however its lines are; others before it are not.
func TestEventsHaveALimit(t *testing.T) {
	t.Parallel()
	for _, long := range []string{"data: " + strings.Repeat("x", 200), strings.Repeat("data: xxxx\n", 50), ": " + strings.Repeat("x", 200)} {
		got, err := read(strings.NewReader("data: a\n\n"+long+"\n\n"), 100)
		if len(got) != 1 || !errors.Is(err, errTooLarge) {
			t.Errorf("%.20q: %d events, %v", long, len(got), err)
		}
	}
}

// However the bytes of a stream come, they are the same events.
func FuzzEvents(f *testing.F) {
	for _, s := range []string{"id: 1\nretry: 5\ndata: a\r\n\rdata: b\n\n", "\xef\xbb\xbfevent: endpoint\ndata: /x\n\n:\n\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole, err := read(bytes.NewReader(stream), 1<<10)
		pieces, perr := read(iotest.OneByteReader(bytes.NewReader(stream)), 1<<10)
		if !sameEvents(whole, pieces) || errors.Is(err, errTooLarge) != errors.Is(perr, errTooLarge) {
			t.Errorf("%+v, %v in one piece; %+v, %v by bytes", whole, err, pieces, perr)
		}
	})
}

// What passes is one line of the same JSON, and nothing else passes.
func FuzzMessages(f *testing.F) {
	for _, s := range append([]string{"[]", "[1]", `{"id":1.0,"method":"x"}`}, "{\"id\":\"\\u0041\",\n\"result\":{}}") {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parse(bytes.Clone(data))
		if err != nil {
			return
		}
		var want, got bytes.Buffer
		if json.Compact(&want, data) != nil || json.Compact(&got, m.text) != nil || !bytes.Equal(want.Bytes(), got.Bytes()) || bytes.ContainsAny(m.text, "\r\n") || len(m.parts) == 0 {
			t.Errorf("%q became %q", data, m.text)
		}
		for _, p := range m.parts {
			if p.id == nil {
				continue
			}
			if line := failure(p.id, responseError{Message: "x"}); !json.Valid(line) || !bytes.Contains(line, p.id) {
				t.Errorf("the failure of %q is %q", p.id, line)
			}
			_, _, _ = keyOf(p.id), p.cancelled(), p.modern()
		}
	})
}
