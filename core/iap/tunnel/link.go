package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"
)

// A link is one WebSocket of a connection. Its reading and its writing side belong to
// one goroutine each.
type link struct {
	ws  *websocket.Conn
	buf []byte // of the reading side
}

// open makes a WebSocket.
func (t *target) open(ctx context.Context, u *url.URL) (*link, error) {
	token, err := t.dialer.TokenSource.Token()
	if err != nil {
		return nil, err
	}
	agent := t.dialer.UserAgent
	if agent == "" {
		agent = "tokentoss"
	}
	ws, res, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{
		HTTPClient: t.dialer.client(),
		HTTPHeader: http.Header{
			"Authorization": {"Bearer " + token.AccessToken}, "Origin": {origin}, "User-Agent": {agent},
		},
		Subprotocols: []string{subprotocol},
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, refusedUpgrade(t, res, err)
	}
	if ws.Subprotocol() != subprotocol {
		_ = ws.CloseNow()
		return nil, protocolError("no word of the relay protocol: this is another server")
	}
	ws.SetReadLimit(maxFrame + maxSessionID)
	return &link{ws: ws, buf: make([]byte, maxFrame+maxSessionID)}, nil
}

// refusedUpgrade is the error of a request that did not become a WebSocket. Of err,
// the text is used only where no server answered: it might quote an answer.
func refusedUpgrade(t *target, res *http.Response, err error) error {
	if errors.Is(err, errRedirected) {
		return protocolError("a redirect")
	}
	if res == nil {
		return t.unreachable(err)
	}
	switch {
	case res.StatusCode == http.StatusSwitchingProtocols:
		return protocolError("the beginning of a WebSocket, which it is not")
	case res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests:
		return t.unreachable(fmt.Errorf("it answered %d", res.StatusCode))
	}
	return &CloseError{Target: t.String(), Status: res.StatusCode}
}

// read returns the next frame.
func (l *link) read(ctx context.Context) (frame, error) {
	kind, r, err := l.ws.Reader(ctx)
	if err != nil {
		return frame{}, err
	}
	n := 0
	for n < len(l.buf) {
		var more int
		more, err = r.Read(l.buf[n:])
		n += more
		if err != nil {
			break
		}
	}
	switch {
	case err == nil: // more than the buffer holds
		return frame{}, protocolError("a frame of more than %d bytes", len(l.buf))
	case errors.Is(err, websocket.ErrMessageTooBig):
		return frame{}, protocolError("a frame of more than %d bytes", len(l.buf))
	case !errors.Is(err, io.EOF):
		return frame{}, err
	case kind != websocket.MessageBinary:
		return frame{}, protocolError("text, where frames are binary")
	}
	return parseFrame(l.buf[:n])
}

// write sends one frame.
func (l *link) write(ctx context.Context, b []byte) error {
	return l.ws.Write(ctx, websocket.MessageBinary, b)
}

// first returns the first frame, which must have tag.
func (l *link) first(ctx context.Context, tag uint16) (frame, error) {
	f, err := l.read(ctx)
	if err == nil && f.tag != tag {
		err = protocolError("frame %d, before it said that the connection stands", f.tag)
	}
	return f, err
}

// pauses between attempts to reconnect: the first, the factor, and the longest.
const (
	firstPause  = 100 * time.Millisecond
	longPause   = 20 * time.Second
	pauseFactor = 2
)
