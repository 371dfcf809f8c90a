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

	mu                sync.Mutex
	grpc.ClientStream       // the one that was made last
	settled           bool  // it stays the one
	messages          []any // that were sent, until it is settled
	size              int
	closed            bool  // nothing more is sent
	ended             error // which Header found out; the next RecvMsg returns it
}

// now returns the stream that was made last.
func (s *stream) now() grpc.ClientStream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ClientStream
}

// settle keeps nothing any more. s.mu is held.
func (s *stream) settle() { s.settled, s.messages = true, nil }

// Header implements [grpc.ClientStream].
func (s *stream) Header() (metadata.MD, error) {
	for {
		now := s.now()
		md, err := now.Header()
		if err != nil {
			return md, err
		}
		if md != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.settle()
			return md, nil
		}
		// It ended without headers, and RecvMsg knows why.
		if again, err := s.again(now, now.RecvMsg(nil)); !again {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.ended = err
			return nil, nil
		}
	}
}

// RecvMsg implements [grpc.ClientStream].
func (s *stream) RecvMsg(m any) error {
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	if ended != nil {
		return ended
	}
	for {
		now := s.now()
		err := now.RecvMsg(m)
		if again, err := s.again(now, err); !again {
			return err
		}
	}
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
	now := s.ClientStream
	s.mu.Unlock()
	err := now.SendMsg(m)
	if !errors.Is(err, io.EOF) {
		return err
	}
	// The stream was refused, or has another end: RecvMsg finds out, and sends what was kept.
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ClientStream != now || !s.settled {
		return nil
	}
	return err
}

// CloseSend implements [grpc.ClientStream].
func (s *stream) CloseSend() error {
	s.mu.Lock()
	s.closed = true
	now := s.ClientStream
	s.mu.Unlock()
	return now.CloseSend()
}

// Context implements [grpc.ClientStream].
func (s *stream) Context() context.Context { return s.now().Context() }

// Trailer implements [grpc.ClientStream].
func (s *stream) Trailer() metadata.MD { return s.now().Trailer() }

// again follows up on what was received on a stream: it makes another one if IAP refused
// it. Else the error is what the caller gets.
func (s *stream) again(now grpc.ClientStream, err error) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ClientStream != now: // Header and RecvMsg were called at once
		return true, nil
	case err == nil || errors.Is(err, io.EOF):
		s.settle()
		return false, err
	}
	again, err := s.credentials.renew(s.ctx, &s.attempt, err)
	if again && s.settled {
		again, err = false, callError(errTooMuch)
	}
	if !again {
		s.settle()
		return false, err
	}
	next, err := s.open()
	if err != nil {
		s.settle()
		return false, err
	}
	s.ClientStream = next
	for _, m := range s.messages {
		if next.SendMsg(m) != nil { // RecvMsg says why
			return true, nil
		}
	}
	if s.closed {
		_ = next.CloseSend()
	}
	return true, nil
}
