package tunnel

import (
	"sync"
	"time"
)

// A deadline closes a channel at a time that can be moved, as that of [net.Pipe]
// does.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	end   chan struct{} // closed when the time has come
}

// done returns a channel that is closed when the time has come. A deadline that is
// moved afterwards has another.
func (d *deadline) done() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.end == nil {
		d.end = make(chan struct{})
	}
	return d.end
}

func (d *deadline) passed() bool {
	select {
	case <-d.done():
		return true
	default:
		return false
	}
}

// set moves the deadline; the zero time means never.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		// The timer's function runs, or has run, and closes the channel that it knows.
		d.end = nil
	}
	d.timer = nil
	if d.end == nil {
		d.end = make(chan struct{})
	} else {
		select {
		case <-d.end: // closed before
			d.end = make(chan struct{})
		default:
		}
	}
	if t.IsZero() {
		return
	}
	end := d.end
	if wait := time.Until(t); wait > 0 {
		d.timer = time.AfterFunc(wait, func() { close(end) })
		return
	}
	close(end)
}
