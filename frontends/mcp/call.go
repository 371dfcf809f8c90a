package mcp

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"
)

// A call is what was posted and wants answers: a request, or those of a batch.
type call struct {
	session *session
	number  uint64 // in the order of the client
	replay  bool   // it is the bridge's own, and so is the answer
	modern  bool   // it is of version 2026-07-28 or later

	ctx  context.Context // of the exchange
	stop context.CancelFunc

	mu        sync.Mutex
	open      map[string]json.RawMessage // the IDs without an answer, by their keys
	result    json.RawMessage            // of the last answer
	cancelled bool                       // by the client, who expects none
	answered  chan struct{}              // closed when none is open

	sent     chan struct{} // closed when the request was written, or failed
	sentOnce sync.Once
	lingers  sync.Once
}

func newCall(s *session, ids []json.RawMessage) *call {
	c := &call{session: s, open: make(map[string]json.RawMessage, len(ids)), answered: make(chan struct{}), sent: make(chan struct{})}
	c.ctx, c.stop = context.WithCancel(s.ctx)
	for _, id := range ids {
		c.open[keyOf(id)] = id
	}
	return c
}

// answer notes a response, if the call was waiting for it.
func (c *call) answer(key string, p part) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.open[key]; !ok {
		return
	}
	delete(c.open, key)
	c.result = p.result
	if len(c.open) == 0 {
		close(c.answered)
	}
}

// posted notes that the request is on its way, or will not be.
func (c *call) posted() { c.sentOnce.Do(func() { close(c.sent) }) }

// linger ends the exchange after a while, unless it ends by itself.
func (c *call) linger(d time.Duration) { c.lingers.Do(func() { time.AfterFunc(d, c.stop) }) }

// lone returns the ID of the one request that is open, or nil.
func (c *call) lone() json.RawMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) == 1 {
		for _, id := range c.open {
			return id
		}
	}
	return nil
}

// isAnswered tells whether all of it is.
func (c *call) isAnswered() bool {
	select {
	case <-c.answered:
		return true
	default:
		return false
	}
}

// done tells whether nothing is waited for any more.
func (c *call) done() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cancelled || c.isAnswered()
}

// cancel notes that the client does not want the answer.
func (c *call) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancelled = true
}

// calls are the calls that are open, by the keys of their IDs.
type calls struct {
	mu   sync.Mutex
	last uint64 // number
	open map[string]*call
}

func (l *calls) add(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	c.number = l.last
	for key := range c.open {
		l.open[key] = c
	}
}

func (l *calls) of(id json.RawMessage) *call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open[keyOf(id)]
}

// claim takes the request of a key away for its answer, and returns the call that it is
// of, or nil.
func (l *calls) claim(key string) *call {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.open[key]
	delete(l.open, key)
	return c
}

// take takes a call away, and returns the IDs that are to be told of a failure.
func (l *calls) take(c *call) []json.RawMessage {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []json.RawMessage
	for _, key := range slices.Sorted(maps.Keys(c.open)) {
		if l.open[key] == c {
			delete(l.open, key)
			if !c.cancelled {
				ids = append(ids, c.open[key])
			}
		}
	}
	return ids
}

// ofSession returns the calls of a session, in the order of the client.
func (l *calls) ofSession(s *session) []*call {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := make(map[*call]bool)
	for _, c := range l.open {
		if c.session == s {
			seen[c] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b *call) int { return cmp.Compare(a.number, b.number) })
}

// stopCancelled ends the exchanges that the client cancelled.
func (l *calls) stopCancelled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		if c.done() {
			c.stop()
		}
	}
}
