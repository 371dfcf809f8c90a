package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// A Duration is a string such as "90s" or "1h30m".
type Duration time.Duration

// UnmarshalJSON implements [json.Unmarshaler].
func (d *Duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return errors.New(`a duration is a string such as "90s"`)
	}
	v, err := time.ParseDuration(text)
	*d = Duration(v)
	return err
}

// A Header has a string or a list of strings for each name.
type Header http.Header

// UnmarshalJSON implements [json.Unmarshaler].
func (h *Header) UnmarshalJSON(b []byte) error {
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	*h = Header{}
	for name, value := range fields {
		values, many := value.([]any)
		if !many {
			values = []any{value}
		}
		for _, v := range values {
			s, ok := v.(string)
			if !ok {
				return fmt.Errorf("header %s is neither a string nor a list of strings", name)
			}
			http.Header(*h).Add(name, s)
		}
	}
	return nil
}

// A Fault is an [emulator.Fault]. Its body is text, or JSON of its own.
type Fault struct {
	Status int      `json:"status"`
	Header Header   `json:"header"`
	Body   string   `json:"body"`
	JSON   any      `json:"json"`
	Delay  Duration `json:"delay"`
	Hang   bool     `json:"hang"`
	Drip   Duration `json:"drip"`
	Reset  bool     `json:"reset"`
	Times  int      `json:"times"`
}

func (f *Fault) fault() (*emulator.Fault, error) {
	if f == nil {
		return nil, nil
	}
	made := emulator.Fault{
		Status: f.Status, Header: http.Header(f.Header), Delay: time.Duration(f.Delay), Hang: f.Hang, Drip: time.Duration(f.Drip),
		Reset: f.Reset, Times: f.Times,
	}
	switch {
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return nil, errors.New("status is a number from 200 to 599")
	case f.Times < 0 || f.Delay < 0 || f.Drip < 0:
		return nil, errors.New("times, delay and drip are not below 0")
	case f.Body != "" && f.JSON != nil:
		return nil, errors.New("a fault has body or json")
	case f.Body != "":
		made.Body = []byte(f.Body)
	case f.JSON != nil:
		if made.Header == nil {
			made.Header = http.Header{}
		}
		if made.Header.Get("Content-Type") == "" {
			made.Header.Set("Content-Type", "application/json")
		}
		made.Body, _ = json.Marshal(f.JSON) // it was JSON
	}
	return &made, nil
}

// A RelayFault is an [emulator.RelayFault]; its message is base64.
type RelayFault struct {
	DropAfter  int64    `json:"drop_after"`
	Delay      Duration `json:"delay"`
	RepeatAcks bool     `json:"repeat_acks"`
	AddToAcks  int64    `json:"add_to_acks"`
	Message    []byte   `json:"message"`
	Only       bool     `json:"only"`
	Close      int      `json:"close"`
	Reconnect  int      `json:"reconnect"`
	Reason     string   `json:"reason"`
	Status     int      `json:"status"`
}

func (f RelayFault) fault() (emulator.RelayFault, error) {
	for _, code := range []int{f.Close, f.Reconnect} {
		if code != 0 && (code < 1000 || code > 4999) {
			return emulator.RelayFault{}, errors.New("close and reconnect are codes from 1000 to 4999")
		}
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) || f.Delay < 0 || f.DropAfter < 0 {
		return emulator.RelayFault{}, errors.New("status is a number from 200 to 599, delay and drop_after are not below 0")
	}
	return emulator.RelayFault{
		DropAfter: f.DropAfter, Delay: time.Duration(f.Delay), RepeatAcks: f.RepeatAcks, AddToAcks: f.AddToAcks, Message: f.Message, Only: f.Only,
		Close: f.Close, Reconnect: f.Reconnect, Reason: f.Reason, Status: f.Status,
	}, nil
}

// A Rule decides about the requests that fit all that it says. Status is what IAP answers, 200 lets a good credential through.
type Rule struct {
	Method       string     `json:"method"`
	Host         string     `json:"host"`
	Path         string     `json:"path"` // may end in *
	Email        string     `json:"email"`
	ClientID     string     `json:"client_id"`
	Refreshed    *bool      `json:"refreshed"`     // whether the token came from a refresh
	IssuedBefore *time.Time `json:"issued_before"` // in whole seconds
	Every        int        `json:"every"`         // 2 is the first, third, fifth... request

	Status int    `json:"status"`
	Text   string `json:"text"`
	Code   int    `json:"code"`
}

func (r Rule) fits(q emulator.IAPRequest) bool {
	path, prefix := strings.CutSuffix(r.Path, "*")
	return (r.Method == "" || r.Method == q.Method) &&
		(r.Host == "" || strings.EqualFold(r.Host, q.Host)) &&
		(r.Path == "" || q.Path == path || prefix && strings.HasPrefix(q.Path, path)) &&
		(r.Email == "" || strings.EqualFold(r.Email, q.Email)) &&
		(r.ClientID == "" || r.ClientID == q.ClientID) &&
		(r.Refreshed == nil || *r.Refreshed == q.Refreshed) &&
		(r.IssuedBefore == nil || q.Email != "" && q.IssuedAt.Unix() < r.IssuedBefore.Unix()) &&
		(r.Every == 0 || (q.Number-1)%r.Every == 0)
}

func policyOf(rules []Rule) (emulator.IAPPolicy, error) {
	for i, r := range rules {
		if r.Every < 0 || r.Status != http.StatusOK && (r.Status < 300 || r.Status > 599) {
			return nil, fmt.Errorf("rule %d: status is 200 or a number from 300 to 599, and every not below 0", i+1)
		}
	}
	if len(rules) == 0 {
		return nil, nil
	}
	return func(q emulator.IAPRequest) emulator.IAPDecision {
		for _, r := range rules {
			if r.fits(q) {
				return emulator.IAPDecision{Status: r.Status, Text: r.Text, Code: r.Code}
			}
		}
		return q.Decision
	}, nil
}

// merge is RFC 7396: null removes, objects are merged, the rest replaces.
func merge(target, patch map[string]any) {
	for name, value := range patch {
		inner, isObject := value.(map[string]any)
		switch {
		case value == nil:
			delete(target, name)
		case isObject:
			old, _ := target[name].(map[string]any)
			if old == nil {
				old = map[string]any{}
			}
			merge(old, inner)
			target[name] = old
		default:
			target[name] = value
		}
	}
}
