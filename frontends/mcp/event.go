package mcp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// An event is one of an event stream. One without data, which other clients pass over,
// still moves the place at which a stream goes on
// (https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation).
type event struct {
	name string // empty is "message"
	data []byte
	id   *string // nil for none of its own
}

// errTooLarge is a message of more than [maxMessage] bytes.
var errTooLarge = errors.New("a message is too large")

// An eventReader reads an event stream.
type eventReader struct {
	lines   *bufio.Reader
	begun   bool // a line was read
	afterCR bool // a line feed is the rest of an end of line
	limit   int  // of the bytes of an event

	// retry is how long to wait before the stream is taken up again, once it was said.
	retry *time.Duration
}

func newEventReader(r io.Reader) *eventReader {
	return &eventReader{lines: bufio.NewReaderSize(r, 64<<10), limit: maxMessage}
}

// next returns the next event that has data or an ID. An event that the end of the stream
// cuts off is none.
func (r *eventReader) next() (event, error) {
	var e event
	var hasData bool
	size := 0
	for {
		line, err := r.line(r.limit - size)
		if err != nil {
			return event{}, err
		}
		size += len(line)
		if len(line) == 0 {
			if hasData || e.id != nil {
				return e, nil
			}
			e, size = event{}, 0
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			e.name = string(value)
		case "data":
			if hasData {
				e.data = append(e.data, '\n')
			}
			e.data, hasData = append(e.data, value...), true
		case "id":
			if id := string(value); !strings.Contains(id, "\x00") {
				e.id = &id
			}
		case "retry":
			r.setRetry(string(value))
		}
	}
}

// setRetry takes the number of a retry field, which has digits only.
func (r *eventReader) setRetry(value string) {
	if ms, err := strconv.ParseUint(value, 10, 40); err == nil {
		d := time.Duration(ms) * time.Millisecond
		r.retry = &d
	}
}

// line returns a line of at most limit bytes, without its end: CR, LF or both. It waits
// for no more than that line.
func (r *eventReader) line(limit int) ([]byte, error) {
	var line []byte
	for {
		if _, err := r.lines.Peek(1); err != nil {
			return nil, err
		}
		have, _ := r.lines.Peek(r.lines.Buffered())
		if r.afterCR {
			r.afterCR = false
			if have[0] == '\n' {
				_, _ = r.lines.Discard(1)
				continue
			}
		}
		end := bytes.IndexAny(have, "\r\n")
		if end < 0 {
			line = append(line, have...)
			_, _ = r.lines.Discard(len(have))
		} else {
			line, r.afterCR = append(line, have[:end]...), have[end] == '\r'
			_, _ = r.lines.Discard(end + 1)
		}
		if len(line) > limit {
			return nil, errTooLarge
		}
		if end >= 0 {
			if !r.begun {
				r.begun, line = true, bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
			}
			return line, nil
		}
	}
}
