package emulator

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/coder/websocket"
)

// A relaySession is a TCP connection of the relay's. It outlives the WebSocket that
// carries it.
type relaySession struct {
	id      string
	backend net.Conn

	mu       sync.Mutex
	changed  chan struct{}
	link     *relayLink
	end      context.CancelFunc // of link
	received uint64             // bytes from the client
	told     uint64             // of them, what the client was told
	out      []byte             // to the client, and not acknowledged
	base     uint64             // the first byte of out
	next     uint64             // the first byte that this link has not sent
	ended    bool               // the backend sends nothing more
}

// add makes a session of a connection, and reads from it.
func (r *relays) add(backend net.Conn) *relaySession {
	s := &relaySession{id: randomToken(32), backend: backend, changed: make(chan struct{})}
	r.mu.Lock()
	if r.sessions == nil {
		r.sessions = map[string]*relaySession{}
	}
	r.sessions[s.id] = s
	r.mu.Unlock()
	r.reading.Go(s.read)
	return s
}

func (r *relays) find(id string) *relaySession {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sessions[id]
	if s != nil {
		r.resumed++
	}
	return s
}

func (r *relays) remove(s *relaySession) {
	r.mu.Lock()
	delete(r.sessions, s.id)
	r.mu.Unlock()
	_ = s.backend.Close()
	s.update(func() { s.ended = true })
}

// close ends all sessions, and waits for what reads from them.
func (r *relays) close() {
	r.mu.Lock()
	for _, s := range r.sessions {
		_ = s.backend.Close()
		s.update(func() { s.ended, s.out = true, nil })
	}
	r.mu.Unlock()
	r.reading.Wait()
}

func (s *relaySession) update(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait waits until done says so, or ctx ends. done is called with the lock, which is
// held again afterwards.
func (s *relaySession) wait(ctx context.Context, done func() bool) bool {
	for !done() {
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		s.mu.Lock()
		if ctx.Err() != nil {
			return false
		}
	}
	return true
}

// read takes what the backend sends, as far as the window allows.
func (s *relaySession) read() {
	buf := make([]byte, relayMaxData)
	for {
		n, err := s.backend.Read(buf)
		s.update(func() {
			s.out = append(s.out, buf[:n]...)
			s.ended = s.ended || err != nil
		})
		if err != nil {
			return
		}
		s.mu.Lock()
		s.wait(context.Background(), func() bool { return len(s.out) < relayWindow || s.ended })
		s.mu.Unlock()
	}
}

// rewind prepares for a link that has received n bytes, and returns how many came from
// the client.
func (s *relaySession) rewind(n uint64) (received uint64, ok bool) {
	s.mu.Lock()
	end := s.end
	s.mu.Unlock()
	if end != nil {
		end() // a WebSocket that the client has given up
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wait(context.Background(), func() bool { return s.link == nil })
	if n < s.base || n > s.base+uint64(len(s.out)) {
		return 0, false
	}
	s.out, s.base = s.out[n-s.base:], n
	s.next, s.told = n, s.received
	return s.received, true
}

// carry moves frames over l until it ends.
func (s *relaySession) carry(ctx context.Context, l *relayLink) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.update(func() { s.link, s.end = l, cancel })
	var reading sync.WaitGroup
	var readErr error
	reading.Go(func() {
		readErr = s.receive(ctx, l)
		cancel()
	})
	err := s.send(ctx, l)
	switch {
	case errors.Is(err, io.EOF): // the backend has ended
		l.close(int(websocket.StatusNormalClosure), "")
	case errors.Is(err, errRelayDropped):
		_ = l.ws.CloseNow()
	}
	cancel()
	reading.Wait()
	var code websocket.CloseError
	var bad *relayRefusal
	switch {
	case errors.As(readErr, &bad):
		l.close(bad.code, bad.reason)
		fallthrough
	case errors.Is(err, io.EOF), errors.As(readErr, &code): // in order
		l.e.relays.remove(s)
	}
	s.update(func() { s.link, s.end = nil, nil })
}

// A relayRefusal is a frame that the relay does not take.
type relayRefusal struct {
	code   int
	reason string
}

func (e *relayRefusal) Error() string { return e.reason }

// receive takes frames from the client.
func (s *relaySession) receive(ctx context.Context, l *relayLink) error {
	for {
		kind, b, err := l.ws.Read(ctx)
		if err != nil {
			return err
		}
		if kind != websocket.MessageBinary || len(b) < 2 {
			return &relayRefusal{relayInvalidData, "Invalid data"}
		}
		switch tag := binary.BigEndian.Uint16(b); {
		case tag == relayAck && len(b) >= 10:
			err = s.acknowledged(binary.BigEndian.Uint64(b[2:]))
		case tag == relayData && len(b) >= 6 && int(binary.BigEndian.Uint32(b[2:])) == len(b)-6 && len(b)-6 <= relayMaxData:
			err = s.take(l, b[6:])
		case tag == relayData || tag == relayAck:
			err = &relayRefusal{relayInvalidData, "Invalid data"}
		}
		if err != nil {
			return err
		}
	}
}

func (s *relaySession) acknowledged(n uint64) error {
	s.mu.Lock()
	bad := n < s.base || n > s.next
	s.mu.Unlock()
	if bad {
		return &relayRefusal{relayBadAck, "Bad ACK"}
	}
	s.update(func() { s.out, s.base = s.out[n-s.base:], n })
	return nil
}

func (s *relaySession) take(l *relayLink, data []byte) error {
	if _, err := s.backend.Write(data); err != nil {
		return err // reading from the backend tells the client
	}
	drop := false
	s.update(func() {
		s.received += uint64(len(data))
		drop = l.count(len(data))
	})
	if drop {
		_ = l.ws.CloseNow()
		return errRelayDropped
	}
	return nil
}

// send sends what there is for the client. It returns io.EOF when that is all there
// will be.
func (s *relaySession) send(ctx context.Context, l *relayLink) error {
	for {
		frames, drop, err := s.frames(ctx, l)
		if err != nil {
			return err
		}
		for _, f := range frames {
			if !pause(ctx, l.fault.Delay) {
				return ctx.Err()
			}
			if err := l.ws.Write(ctx, websocket.MessageBinary, f); err != nil {
				return err
			}
		}
		if drop {
			return errRelayDropped
		}
	}
}

// frames waits for what is to be sent next.
func (s *relaySession) frames(ctx context.Context, l *relayLink) (frames [][]byte, drop bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	unsent := func() int { return len(s.out) - int(s.next-s.base) }
	ready := func() bool { return unsent() > 0 || s.received-s.told >= relayAckAt || s.ended }
	if !s.wait(ctx, ready) {
		return nil, false, ctx.Err()
	}
	if s.received-s.told >= relayAckAt || s.received > s.told && unsent() > 0 {
		s.told = s.received
		ack := binary.BigEndian.AppendUint64([]byte{0, relayAck}, s.received+uint64(l.fault.AddToAcks))
		if frames = append(frames, ack); l.fault.RepeatAcks {
			frames = append(frames, ack)
		}
	}
	if n := min(unsent(), relayMaxData); n > 0 {
		at := int(s.next - s.base)
		data := binary.BigEndian.AppendUint32([]byte{0, relayData}, uint32(n))
		frames = append(frames, append(data, s.out[at:at+n]...))
		s.next += uint64(n)
		drop = l.count(n)
	}
	if frames == nil && s.ended {
		return nil, false, io.EOF
	}
	return frames, drop, nil
}
