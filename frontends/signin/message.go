package signin

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// Version is the version of the protocol, tokentoss.widget/1. It stands in every
// message.
const Version = 1

// MaxMessage bounds a message from a view, in bytes. An address that a person
// pastes is the longest.
const MaxMessage = 64 << 10

// A ClientMessage is a message from a view. Which fields it has depends on its type:
//
//	hello, sign_out
//	arm                seq
//	opened, cancel     attempt
//	redirect           attempt, url
//	configure          client_id, client_secret, project_id
type ClientMessage struct {
	V       int    `json:"v"`
	Type    string `json:"type"`
	Attempt uint64 `json:"attempt"`

	// Seq is that of the snapshot in which the view saw no attempt. Where there was
	// one since then, the message is dropped. 0 is for who has seen none.
	Seq uint64 `json:"seq"`

	// URL is the address that the browser ended on, as the person pasted it. It
	// has the code of the sign-in in it.
	URL core.Secret `json:"url"`

	ClientID     string      `json:"client_id"`
	ClientSecret core.Secret `json:"client_secret"`
	ProjectID    string      `json:"project_id"`
}

// The types of messages from a view.
const (
	upHello     = "hello"     // the view is on the screen
	upArm       = "arm"       // it wants an address to sign in at
	upOpened    = "opened"    // the person opened it
	upRedirect  = "redirect"  // the person pasted where the browser ended
	upCancel    = "cancel"    // the person gave up
	upSignOut   = "sign_out"  //
	upConfigure = "configure" // the person entered an OAuth client
)

// ErrBadMessage is what errors about messages from views wrap.
var ErrBadMessage = errors.New("a message that cannot be used")

// ParseClientMessage reads a message of a view. Its error does not quote it: there may be a
// secret in it.
func ParseClientMessage(data []byte) (ClientMessage, error) {
	if len(data) > MaxMessage {
		return ClientMessage{}, fmt.Errorf("%w: it is longer than %d bytes", ErrBadMessage, MaxMessage)
	}
	var m ClientMessage
	if json.Unmarshal(data, &m) != nil {
		return ClientMessage{}, fmt.Errorf("%w: it is not a JSON object with fields of tokentoss.widget/%d", ErrBadMessage, Version)
	}
	if m.V != Version {
		return ClientMessage{}, fmt.Errorf("%w: it is of version %d, and this is version %d: reload the page, or run the cell again", ErrBadMessage, m.V, Version)
	}
	return m, nil
}

// A Message is one to a view: a [Snapshot], an [Armed] or a [Fatal].
type Message interface{ message() }

// A Phase is what a view shows.
type Phase string

// The phases.
const (
	Starting     Phase = "starting"      // nothing is known yet
	Unconfigured Phase = "unconfigured"  // an OAuth client is asked for
	SignedOut    Phase = "signed_out"    // ready to sign in
	NeedsSignIn  Phase = "needs_sign_in" // the same, and the session that there was has ended
	Waiting      Phase = "waiting"       // the person is at the provider
	Exchanging   Phase = "exchanging"    // the answer is here
	SignedIn     Phase = "signed_in"     //
	Detached     Phase = "detached"      // nobody is behind the view any more
)

// A Snapshot is all that a view shows, but the address.
type Snapshot struct {
	V    int    `json:"v"`
	Type string `json:"type"` // snapshot

	// Seq grows with each change. A view drops what is older than what it has.
	Seq uint64 `json:"seq"`

	// Attempt is the sign-in that is under way, 0 for none.
	Attempt uint64 `json:"attempt"`

	Phase   Phase    `json:"phase"`
	Account string   `json:"account,omitempty"` // who is, or was, signed in
	Reason  string   `json:"reason,omitempty"`  // why a new sign-in is needed
	Ends    string   `json:"ends,omitempty"`    // when the session ends, RFC 3339
	Busy    string   `json:"busy,omitempty"`    // sign_out or configure, while it is being done
	Error   *Problem `json:"error,omitempty"`

	// Stuck is set when the last sign-in failed although nobody had opened it: the
	// next would fail alike, at once and without end.
	Stuck bool `json:"stuck,omitempty"`

	// RemoteHint is set where the browser is likely not to reach this machine.
	RemoteHint bool `json:"remote_hint"`

	// Caps are what a view may offer beside signing in: configure, sign_out.
	Caps []string `json:"caps"`
}

// An Armed is the address of a sign-in, which a view opens when the person clicks.
// It has the state of the sign-in in it: it is in no saved state and no log.
type Armed struct {
	V         int    `json:"v"`
	Type      string `json:"type"` // armed
	Attempt   uint64 `json:"attempt"`
	AuthURL   string `json:"auth_url"`
	Code      string `json:"code,omitempty"` // to type there, for flows that have one
	ExpiresIn int    `json:"expires_in"`     // seconds; 0 when not known
}

// A Fatal tells a view that it cannot go on.
type Fatal struct {
	V       int    `json:"v"`
	Type    string `json:"type"` // fatal
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (Snapshot) message() {}
func (Armed) message()    {}
func (Fatal) message()    {}

// NewFatal returns the message for an error of [ParseClientMessage].
func NewFatal(err error) Fatal {
	return Fatal{V: Version, Type: "fatal", Code: "bad_message", Message: err.Error()}
}

// secondsUntil rounds down, so that no view offers an address that has expired.
func secondsUntil(t time.Time) int {
	if t.IsZero() {
		return 0
	}
	return max(1, int(time.Until(t)/time.Second))
}
