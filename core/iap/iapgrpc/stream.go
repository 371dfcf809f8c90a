package iapgrpc

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// maxKept is the size of the messages that are kept to be sent again. So much can be sent
// on a new stream without waiting for the service to read (RFC 9113 section 6.9.2).
const maxKept = 60 << 10

// A stream is made again when IAP refuses it, with the messages that were sent.
type stream struct {
	credentials *Credentials
	ctx         context.Context
	attempt     attempt
	open        func() (grpc.ClientStream, error)

	mu       sync.Mutex
	last     *made // that was made
	settled  bool  // it stays the last
	messages []any // that were sent, until it is settled
	size     int
	closed   bool  // nothing more is sent
	ended    error // what RecvMsg returned last
}

// A made stream is one of gRPC's own, on which one may receive at a time.
type made struct {
	grpc.ClientStream
	receiving sync.Mutex
}

// now returns the stream that was made last, and how it ended.
func (s *stream) now() (*made, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.ended
}

// settle keeps nothing any more. s.mu is held.
func (s *stream) settle() { s.settled, s.messages = true, nil }

// Header implements [grpc.ClientStream].
func (s *stream) Header() (metadata.MD, error) {
	for {
		now, ended := s.now()
		md, err := now.Header()
		if err != nil || ended != nil {
			return md, err
		}
		if md != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.settle()
			return md, nil
		}
		s.receive(now, nil) // it ended without headers: why?
	}
}

// RecvMsg implements [grpc.ClientStream].
func (s *stream) RecvMsg(m any) error {
	for {
		now, ended := s.now()
		if ended != nil {
			return ended
		}
		if !s.receive(now, m) {
			_, ended = s.now()
			return ended
		}
	}
}

// receive receives a message, and tells whether there is another stream to receive it from.
// That is made if IAP refused this one.
func (s *stream) receive(now *made, m any) (again bool) {
	now.receiving.Lock()
	defer now.receiving.Unlock()
	if last, ended := s.now(); last != now || ended != nil {
		return last != now
	}
	err := now.RecvMsg(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil || errors.Is(err, io.EOF) {
		s.settle()
		s.ended = err
		return false
	}
	again, s.ended = s.credentials.renew(s.ctx, &s.attempt, err)
	if again && s.settled {
		s.ended = callError(errTooMuch)
	} else if again {
		s.ended = s.remake()
	}
	if s.ended != nil {
		s.settle()
	}
	return s.ended == nil
}

// remake makes the stream again, with what was sent. s.mu is held.
func (s *stream) remake() error {
	next, err := s.open()
	if err != nil {
		return err
	}
	s.last = &made{ClientStream: next}
	for _, m := range s.messages {
		_ = next.SendMsg(m) // where it cannot be sent, RecvMsg says why
	}
	if s.closed {
		_ = next.CloseSend()
	}
	return nil
}

// SendMsg implements [grpc.ClientStream].
func (s *stream) SendMsg(m any) error {
	s.mu.Lock()
	if !s.settled {
		s.messages = append(s.messages, m)
		if p, ok := m.(proto.Message); ok {
			s.size += proto.Size(p)
		}
		if s.size > maxKept {
			s.settle()
		}
	}
	now := s.last
	s.mu.Unlock()
	err := now.SendMsg(m)
	if !errors.Is(err, io.EOF) {
		return err
	}
	// The stream was refused, or has another end: RecvMsg finds out, and sends what was kept.
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last != now || !s.settled {
		return nil
	}
	return err
}

// CloseSend implements [grpc.ClientStream].
func (s *stream) CloseSend() error {
	s.mu.Lock()
	s.closed = true
	now := s.last
	s.mu.Unlock()
	return now.CloseSend()
}

// Context implements [grpc.ClientStream].
func (s *stream) Context() context.Context {
	now, _ := s.now()
	return now.Context()
}

// Trailer implements [grpc.ClientStream].
func (s *stream) Trailer() metadata.MD {
	now, _ := s.now()
	return now.Trailer()
}
