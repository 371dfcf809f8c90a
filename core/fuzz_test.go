package core

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"
)

// Whatever the store holds, it is a session or an error of a known kind,
// and what is written back reads the same, with all that was unknown in it.
func FuzzDecodeRecord(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decodeRecord(Record{Data: data, Revision: "r"})
		if err != nil {
			var newer *NewerRecordError
			if s != nil || !errors.Is(err, ErrCorrupt) && !errors.As(err, &newer) {
				t.Fatalf("%v, %v", s, err)
			}
			return
		}
		snap := newSnapshot(s, time.Hour, func() string { return "" })
		_, _ = snap.valid(time.Unix(1_800_000_000, 0)), snap.fresh(time.Now())
		if s.Failure != nil {
			_ = s.Failure.standing(s.UserEmail, time.Unix(0, 0), time.Now())
		}
		s.keepUnknown(Record{Data: data})
		r, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeRecord(r)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if !reflect.DeepEqual(again.document, s.document) || !reflect.DeepEqual(again.claims, s.claims) {
			t.Fatalf("read %+v, then %+v", s.document, again.document)
		}
		checkUnknown(t, data, r.Data)
	})
}

// checkUnknown checks that the fields which this code does not know are the same
// before and after.
func checkUnknown(t *testing.T, before, after []byte) {
	t.Helper()
	var b, a map[string]json.RawMessage
	if json.Unmarshal(before, &b) != nil || json.Unmarshal(after, &a) != nil {
		t.Fatal("not objects")
	}
	known := knownFields()
	for name, v := range b {
		if known[name] {
			continue
		}
		if want, got := value(v), value(a[name]); !reflect.DeepEqual(want, got) {
			t.Fatalf("field %q was %s and became %s", name, v, a[name])
		}
	}
}

// value reads JSON with its numbers as they are written.
func value(data []byte) (v any) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return "nothing"
	}
	return v
}
