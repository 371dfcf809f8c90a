package mcp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
)

// A lineReader reads what is written one a line. A byte order mark at the beginning, which
// PowerShell writes into pipes, is left out (RFC 8259 section 8.1).
type lineReader struct {
	r     *bufio.Reader
	begun bool
}

// next returns the next line that is not empty. After [errTooLarge] the one behind it is
// next; the last line need not have an end.
func (l *lineReader) next() ([]byte, error) {
	for {
		line, err := l.line()
		if !l.begun {
			l.begun, line = true, bytes.TrimPrefix(line, []byte("\uFEFF"))
		}
		if err != nil && (len(line) == 0 || !errors.Is(err, io.EOF)) {
			return nil, err
		}
		if line = bytes.Trim(line, jsonSpace); len(line) > 0 {
			return line, nil
		}
	}
}

func (l *lineReader) line() ([]byte, error) {
	var line []byte
	tooLarge := false
	for {
		piece, err := l.r.ReadSlice('\n')
		if tooLarge = tooLarge || len(line)+len(piece) > maxMessage; tooLarge {
			line = nil
		} else {
			line = append(line, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case tooLarge && (err == nil || errors.Is(err, io.EOF)):
			return nil, errTooLarge
		default:
			return line, err
		}
	}
}

// errOutput is that nobody reads any more.
var errOutput = errors.New("the output")

// A lineWriter writes messages one a line, whole.
type lineWriter struct {
	mu     sync.Mutex
	w      io.Writer
	broken func(error)
}

func (l *lineWriter) write(text []byte) {
	line := append(text[:len(text):len(text)], '\n')
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.w.Write(line); err != nil {
		l.broken(fmt.Errorf("%w: %w", errOutput, err))
	}
}
