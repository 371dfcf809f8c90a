package agent

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/tokentoss/tokentoss/core/fault"
)

// protocolVersion is that of the messages below. Both sides are of one
// installation; where they are not, the agent makes way for a new one.
const protocolVersion = 2

// maxMessage bounds a message, in bytes: a document of 1 MiB in base64, and more.
const maxMessage = 2 << 20

// A request is a call. Its first on a connection names the store.
type request struct {
	Version  int    `json:"v,omitempty"`
	Op       string `json:"op"`
	Store    string `json:"store,omitempty"`
	Key      string `json:"key,omitempty"`
	Data     []byte `json:"data,omitempty"`
	Revision string `json:"revision,omitempty"`

	// CanAsk says that there is a person who can answer questions.
	CanAsk bool `json:"can_ask,omitempty"`

	// Verbose asks for what the store logs during the call.
	Verbose bool `json:"verbose,omitempty"`

	// Environ is what the store may see of the caller's environment. It comes with
	// the first request of a connection.
	Environ []string `json:"environ,omitempty"`
}

// The operations.
const (
	opOpen     = "open"
	opLoad     = "load"
	opSave     = "save"
	opDelete   = "delete"
	opCheck    = "check"
	opSetAside = "set_aside"
	opLocate   = "locate"
	opList     = "list"
	opLock     = "lock"
	opRelease  = "release"
	opStop     = "stop" // ends the agent
)

// operations are all of them.
var operations = []string{opOpen, opLoad, opSave, opDelete, opCheck, opSetAside, opLocate, opList, opLock, opRelease, opStop}

// A response answers a request, or is a question to the person.
type response struct {
	Question string        `json:"question,omitempty"`
	Log      *record       `json:"log,omitempty"`  // and nothing else: the answer follows
	Gone     bool          `json:"gone,omitempty"` // this agent makes way: start another
	Lost     bool          `json:"lost,omitempty"` // the lock is
	Error    *fault.Remote `json:"error,omitempty"`
	ID       string        `json:"id,omitempty"` // of the call, where there is an error: the agent's log has it, too

	Data       []byte   `json:"data,omitempty"`
	Revision   string   `json:"revision,omitempty"`
	Text       string   `json:"text,omitempty"`
	Keys       []string `json:"keys,omitempty"`
	Locking    bool     `json:"locking,omitempty"`
	Listing    bool     `json:"listing,omitempty"`
	Protection string   `json:"protection,omitempty"`
}

// An answer is the person's, or why there is none.
type answer struct {
	Text  string        `json:"text,omitempty"`
	Error *fault.Remote `json:"error,omitempty"`
}

// ErrUnknownStore: there is no store of that name.
const ErrUnknownStore = fault.UnknownStore

// A conn is a connection with messages.
type conn struct {
	net.Conn
	lines *bufio.Reader

	introduced bool // the environment was sent
	sending    sync.Mutex
}

func newConn(c net.Conn) *conn { return &conn{Conn: c, lines: bufio.NewReader(c)} }

// send writes a message.
func (c *conn) send(m any) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	c.sending.Lock()
	defer c.sending.Unlock()
	_, err = c.Write(append(data, '\n'))
	return err
}

// receive reads a message.
func (c *conn) receive(m any) error {
	var line []byte
	for {
		part, err := c.lines.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return json.Unmarshal(line, m)
		case len(line) > maxMessage:
			return fmt.Errorf("a message of the agent's is too large")
		case errors.Is(err, io.EOF) && len(line) > 0:
			return io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}
