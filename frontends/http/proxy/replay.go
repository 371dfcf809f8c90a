package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

const (
	// maxReplay is how much of a body is kept to be sent again, after a token was refused or
	// an idle connection turned out to be closed. What is larger passes and is gone.
	maxReplay = 64 << 10

	replayPiece = 16 << 10 // is read at once
)

// A replay keeps what was read of a body, for as long as that is little. A new reader
// begins with it and goes on with what comes, as a stream does whose end is far; the
// readers before get no more.
type replay struct {
	src io.Reader
	buf []byte // of who reads

	mu      sync.Mutex
	moved   sync.Cond // something below changed
	attempt int       // of the reader that may read
	reading bool      // what comes next
	kept    []byte    // what was read: all of it, or, when it is gone, what nobody has yet
	gone    bool
	err     error // how src ended
}

var (
	errReplaced = errors.New("the body is being sent again")
	errTooLarge = errors.New("the body is too large to be sent again")
)

// replayable lets a body be sent more than once while little of it was sent.
func replayable(r *http.Request) {
	if r.Body == nil || r.ContentLength == 0 || r.ContentLength > maxReplay {
		return
	}
	again := &replay{src: r.Body, buf: make([]byte, replayPiece)}
	if r.ContentLength > 0 {
		again.buf = again.buf[:min(r.ContentLength, replayPiece)]
	}
	again.moved.L = &again.mu
	r.GetBody = again.reader
	r.Body, _ = again.reader()
}

// reader gives the body from its beginning, in place of any reader before.
func (b *replay) reader() (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return nil, errTooLarge
	}
	b.attempt++
	b.moved.Broadcast()
	return &replayReader{replay: b, attempt: b.attempt}, nil
}

// read reads a piece. It waits for src and not for a reader, who may be gone before the
// piece comes; it ends with the body at the latest.
func (b *replay) read() {
	n, err := b.src.Read(b.buf)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = append(b.kept, b.buf[:n]...)
	b.reading, b.err = false, err
	b.moved.Broadcast()
}

// A replayReader reads the body from its beginning.
type replayReader struct {
	*replay
	attempt int
	at      int // of kept
	closed  bool
}

// Read implements [io.Reader].
func (r *replayReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		switch {
		case r.closed || r.replay.attempt != r.attempt:
			return 0, errReplaced
		case r.at < len(r.kept):
			n := copy(p, r.kept[r.at:])
			r.at += n
			if r.at == len(r.kept) && r.at > maxReplay {
				r.gone = true
			}
			if r.at == len(r.kept) && r.gone {
				r.kept, r.at = r.kept[:0], 0
			}
			return n, nil
		case r.err != nil:
			return 0, r.err
		case !r.reading:
			r.reading = true
			go r.read()
		}
		r.moved.Wait()
	}
}

// Close implements [io.Closer]. The server closes the body itself, which may be
// wanted again before.
func (r *replayReader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.moved.Broadcast()
	return nil
}
