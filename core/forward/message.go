package forward

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// Version is that of the protocol. A side that has another says so, and does nothing.
const Version = 1

// maxMessage is how long a message may be, in bytes.
const maxMessage = 64 << 10

// maxText bounds what is shown of what another machine says, in characters.
const maxText = 500

// A Hello says whose session it is that is lent.
type Hello struct {
	Version int       `json:"tokentoss_forward"`
	Release string    `json:"release,omitempty"` // of the program that lends
	Host    string    `json:"host"`              // the person's machine
	Email   string    `json:"email"`             // the person
	Issuer  string    `json:"issuer"`
	Client  string    `json:"client_id"` // whom the tokens are for
	Targets []string  `json:"targets"`
	Ends    time.Time `json:"ends,omitzero"`

	// Requests says that no token is given: requests to the targets are made where the
	// session is.
	Requests bool `json:"requests,omitzero"`
}

// A Request says who asks. It is what the other side says of itself.
type Request struct {
	Program string `json:"program"`
	Host    string `json:"host"`

	// Target is the HOST:PORT of a service to make requests to; "" asks for a token.
	Target string `json:"target,omitempty"`

	// Line is the method and the URL of the request that is to be made, where the person
	// is asked about each.
	Line string `json:"-"`
}

type answer struct {
	IDToken string     `json:"id_token,omitempty"`
	Open    bool       `json:"open,omitempty"` // HTTP follows
	Kind    fault.Kind `json:"kind,omitempty"`
	Problem string     `json:"problem,omitempty"`
}

// answerOf is the answer of a call. Of an error, its kind and its text are told.
func answerOf(token oidc.Secret, err error) answer {
	if err != nil {
		return answer{Kind: fault.Of(err), Problem: err.Error()}
	}
	return answer{IDToken: token.Reveal()}
}

// error is what the answer says, if it is one.
func (a answer) error(host string) error {
	switch {
	case a.Kind == "" && a.IDToken == "" && !a.Open:
		return &fault.Error{Subject: "the session of " + host, Kind: fault.ProviderAnswer, Problem: "it sent neither a token nor an error"}
	case a.Kind == "":
		return nil
	}
	e := &fault.Error{Subject: "the session of " + host, Kind: fault.Failed}
	if a.Kind.Known() {
		e.Kind = a.Kind
	}
	e.Problem = strings.TrimPrefix(clean(a.Problem), e.Kind.Error()+": ") // which is not said twice
	switch e.Kind {
	case fault.SignInNeeded, fault.NotConfigured:
		e.Remedy = fault.Say("sign in on %s: the session is that machine's", host)
	case fault.Refused:
		e.Remedy = fault.Say("ask the person at %s to let it", host)
	}
	return e
}

// clean makes what another machine says one line of text.
func clean(s string) string {
	s = fault.Line(s)
	if r := []rune(s); len(r) > maxText {
		return string(r[:maxText])
	}
	return s
}

var errTooLong = errors.New("a message is too long")

// readMessage reads a line into v.
func readMessage(r *bufio.Reader, v any) error {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if line = append(line, part...); len(line) > maxMessage {
			return errTooLong
		}
		switch {
		case err == nil:
			return json.Unmarshal(line, v)
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return io.ErrUnexpectedEOF
		default:
			return err
		}
	}
}

// writeMessage writes v as a line.
func writeMessage(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}
