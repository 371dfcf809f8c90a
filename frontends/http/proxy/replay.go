package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// maxReplay is the size of bodies that can be sent again, after a token was
// refused or an idle connection turned out to be closed. Larger ones pass and are
// gone.
const maxReplay = 64 << 10

// A replay keeps what was read of a small body. When there is
// a new reader, the one before gets no more.
type replay struct {
	attempt atomic.Int64

	mu   sync.Mutex
	src  io.Reader
	kept []byte
	err  error // how src ended
}

var errReplaced = errors.New("the body is being sent again")

// replayable lets a small body be sent more than once.
func replayable(r *http.Request) {
	if r.Body == nil || r.ContentLength <= 0 || r.ContentLength > maxReplay {
		return
	}
	again := &replay{src: r.Body, kept: make([]byte, 0, r.ContentLength)}
	r.GetBody = func() (io.ReadCloser, error) {
		return &replayReader{replay: again, attempt: again.attempt.Add(1)}, nil
	}
	r.Body, _ = r.GetBody()
}

// A replayReader reads the body from its beginning.
type replayReader struct {
	*replay
	attempt int64
	at      int
}

// Read implements [io.Reader].
func (r *replayReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.replay.attempt.Load() != r.attempt {
		return 0, errReplaced
	}
	if r.at < len(r.kept) {
		n := copy(p, r.kept[r.at:])
		r.at += n
		return n, nil
	}
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.src.Read(p)
	r.kept = append(r.kept, p[:n]...)
	r.at += n
	r.err = err
	return n, err
}

// Close implements [io.Closer]. The server closes the body itself, which may be
// wanted again before.
func (r *replayReader) Close() error { return nil }
