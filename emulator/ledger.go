package emulator

import (
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// journalSize bounds what a long run remembers.
const journalSize = 8192

// Request is what arrived in one call. It holds secrets as they were sent: it is for assertions, not for logs.
type Request struct {
	Endpoint Endpoint    `json:"endpoint"`
	Time     time.Time   `json:"time"` // by the emulator's clock
	Method   string      `json:"method"`
	Proto    string      `json:"proto"` // such as "HTTP/2.0"
	Host     string      `json:"host"`
	Path     string      `json:"path"`
	Query    url.Values  `json:"query"`
	Header   http.Header `json:"header"`
	// Form is the posted form of an endpoint on Google's side, without the query.
	Form url.Values `json:"form,omitempty"`
}

// ledger counts calls, remembers the last ones, and hands out faults.
type ledger struct {
	mu      sync.Mutex
	calls   map[Endpoint]int
	grants  map[string]int
	journal []Request // a ring once it is full
	next    int
	faults  map[Endpoint]*plannedFault
}

type plannedFault struct {
	Fault
	left int
}

// record counts a call and returns the fault that it meets, if any.
func (l *ledger) record(r Request) *Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls == nil {
		l.calls, l.grants = map[Endpoint]int{}, map[string]int{}
	}
	l.calls[r.Endpoint]++
	if r.Endpoint == Token {
		l.grants[r.Form.Get("grant_type")]++
	}
	if len(l.journal) < journalSize {
		l.journal = append(l.journal, r)
	} else {
		l.journal[l.next] = r
		l.next = (l.next + 1) % journalSize
	}
	p := l.faults[r.Endpoint]
	if p == nil {
		return nil
	}
	if p.Times > 0 {
		p.left--
		if p.left == 0 {
			delete(l.faults, r.Endpoint)
		}
	}
	f := p.Fault
	return &f
}

// Calls returns how often an endpoint was called since Start or [Emulator.ResetCalls], failed calls included.
func (e *Emulator) Calls(endpoint Endpoint) int {
	e.ledger.mu.Lock()
	defer e.ledger.mu.Unlock()
	return e.ledger.calls[endpoint]
}

// TokenCalls returns how often the token endpoint was asked for a grant: "authorization_code", "refresh_token",
// "urn:ietf:params:oauth:grant-type:device_code", or "urn:ietf:params:oauth:grant-type:jwt-bearer".
func (e *Emulator) TokenCalls(grantType string) int {
	e.ledger.mu.Lock()
	defer e.ledger.mu.Unlock()
	return e.ledger.grants[grantType]
}

// ResetCalls sets every count to zero and empties the journal.
func (e *Emulator) ResetCalls() {
	e.ledger.mu.Lock()
	defer e.ledger.mu.Unlock()
	e.ledger.reset()
}

func (l *ledger) reset() {
	l.calls, l.grants = map[Endpoint]int{}, map[string]int{}
	l.journal, l.next = nil, 0
}

// Requests returns the last 8,192 calls in their order of arrival; given endpoints, only theirs. An [Upstream] entry
// shows the headers that the app got, an [IAP] entry those that the client sent. Treat the answer as read-only.
func (e *Emulator) Requests(endpoints ...Endpoint) []Request {
	e.ledger.mu.Lock()
	defer e.ledger.mu.Unlock()
	all := slices.Concat(e.ledger.journal[e.ledger.next:], e.ledger.journal[:e.ledger.next])
	if len(endpoints) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(r Request) bool { return !slices.Contains(endpoints, r.Endpoint) })
}
