package emulator

import (
	"strconv"
	"testing"
	"time"
)

// What has ended is thrown out in time, so that a long run with short-lived tokens does not grow.
func TestExpiringIsBounded(t *testing.T) {
	t.Parallel()
	var m expiring[int]
	now := time.Unix(0, 0)
	for i := range 100_000 {
		now = now.Add(time.Second)
		m.put(strconv.Itoa(i), i, now, now.Add(10*time.Second))
		if len(m.items) > 1025 {
			t.Fatalf("%d items of which 10 are alive", len(m.items))
		}
	}
	if v, ok := m.get("99999", now.Add(9*time.Second)); !ok || v != 99999 {
		t.Error("a live item is gone")
	}
	if _, ok := m.get("99999", now.Add(10*time.Second)); ok {
		t.Error("an ended item is there")
	}
	if _, ok := m.take("99999", now); !ok {
		t.Error("take found nothing")
	}
	if _, ok := m.take("99999", now); ok {
		t.Error("taken twice")
	}
}
