package tunnel

import (
	"encoding/binary"
	"fmt"

	"github.com/tokentoss/tokentoss/core/fault"
)

// Tags of frames. Each WebSocket message is one frame: a tag of two bytes, big endian
// as all numbers are, and what belongs to it. Unknown tags are ignored.
const (
	tagConnected   = 1 // length (4 bytes), session ID: the first frame after connect
	tagReconnected = 2 // bytes received so far (8 bytes): the first frame after reconnect
	tagData        = 4 // length (4 bytes), at most maxData bytes
	tagAck         = 7 // bytes received since the first connect (8 bytes)
)

const (
	// maxData is how much a DATA frame may carry, by the relay's rule.
	maxData = 16 << 10

	dataHeader = 6
	maxFrame   = dataHeader + maxData

	// maxSessionID bounds the ID of a session, which becomes part of a URL.
	maxSessionID = 4 << 10
)

// A frame is one that was received.
type frame struct {
	tag  uint16
	data []byte // of tagData, and the ID of tagConnected; valid until the next is read
	ack  uint64 // of tagAck and tagReconnected
}

// parseFrame reads the frame of one message. What follows a complete frame is
// ignored, as other clients do.
func parseFrame(b []byte) (frame, error) {
	if len(b) < 2 {
		return frame{}, protocolError("a frame of %d bytes", len(b))
	}
	f := frame{tag: binary.BigEndian.Uint16(b)}
	body := b[2:]
	switch f.tag {
	case tagConnected, tagData:
		if len(body) < 4 {
			return frame{}, protocolError("a frame that ends within its length")
		}
		n := binary.BigEndian.Uint32(body)
		limit := uint32(maxData)
		if f.tag == tagConnected {
			limit = maxSessionID
		}
		if n > limit {
			return frame{}, protocolError("a frame of %d bytes, more than the %d it may have", n, limit)
		}
		if uint64(len(body)-4) < uint64(n) {
			return frame{}, protocolError("a frame that is shorter than it says")
		}
		f.data = body[4 : 4+n]
	case tagAck, tagReconnected:
		if len(body) < 8 {
			return frame{}, protocolError("an acknowledgement that is cut short")
		}
		f.ack = binary.BigEndian.Uint64(body)
	}
	return f, nil
}

// putData puts the header of a DATA frame of n bytes into b, which has room for both.
func putData(b []byte, n int) []byte {
	binary.BigEndian.PutUint16(b, tagData)
	binary.BigEndian.PutUint32(b[2:], uint32(n))
	return b[:dataHeader+n]
}

// putAck puts an ACK frame into b.
func putAck(b []byte, received uint64) []byte {
	binary.BigEndian.PutUint16(b, tagAck)
	binary.BigEndian.PutUint64(b[2:], received)
	return b[:10]
}

// protocolError is a relay that does not speak the protocol.
func protocolError(format string, args ...any) error {
	return &fault.Error{
		Subject: "the relay", Problem: "it sent " + fmt.Sprintf(format, args...), Kind: fault.ProviderAnswer,
		Remedy: fault.Say("check that nothing between this machine and the relay changes what is sent, such as a proxy"),
	}
}
