package emulator

import "time"

// expiring is a map whose entries end. It is not safe for concurrent use: its owner has the lock.
type expiring[V any] struct {
	items map[string]expiringItem[V]
	sweep int // size at which ended entries are thrown out
}

type expiringItem[V any] struct {
	value V
	end   time.Time
}

func (m *expiring[V]) put(key string, value V, now, end time.Time) {
	if m.items == nil {
		m.items, m.sweep = map[string]expiringItem[V]{}, 1024
	}
	if len(m.items) >= m.sweep {
		for k, item := range m.items {
			if !now.Before(item.end) {
				delete(m.items, k)
			}
		}
		m.sweep = max(1024, 2*len(m.items))
	}
	m.items[key] = expiringItem[V]{value, end}
}

func (m *expiring[V]) get(key string, now time.Time) (value V, ok bool) {
	item, ok := m.items[key]
	if !ok || !now.Before(item.end) {
		return value, false
	}
	return item.value, true
}

// take is get for things that work once.
func (m *expiring[V]) take(key string, now time.Time) (V, bool) {
	value, ok := m.get(key, now)
	delete(m.items, key)
	return value, ok
}
