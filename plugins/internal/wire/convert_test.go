package wire_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

// TestConverters fills every field of a type, sends it, and wants all of it back;
// and so with every field of its message. One that is added to either and not
// carried over fails it.
func TestConverters(t *testing.T) {
	t.Parallel()
	converts(t, wire.FromAppStatus, wire.ToAppStatus)
	converts(t, wire.FromIDToken, wire.ToIDToken)
	converts(t, wire.FromClientSecrets, wire.ToClientSecrets)
	converts(t, wire.FromRecord, wire.ToRecord)
	converts(t, wire.FromPrompt, wire.ToPrompt, "id", "call") // the stream's own
}

func converts[T any, M proto.Message](t *testing.T, from func(T) M, to func(M) T, besides ...protoreflect.Name) {
	t.Run(reflect.TypeFor[T]().Name(), func(t *testing.T) {
		t.Parallel()
		var zero T
		full := filled[T](t)
		m := sent(t, from(full))
		wantFull(t, m, besides)
		if got := to(m); !reflect.DeepEqual(got, full) {
			t.Errorf("%#v came back as\n%#v", reveal(full), reveal(got))
		}
		if got := to(sent(t, from(zero))); !reflect.DeepEqual(got, zero) {
			t.Errorf("nothing came back as %#v", reveal(got))
		}
		var none M
		if got := to(none); !reflect.DeepEqual(got, zero) {
			t.Errorf("no message is %#v", reveal(got))
		}
	})
}

// sent returns m as the other side gets it.
func sent[M proto.Message](t *testing.T, m M) M {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	got := m.ProtoReflect().New().Interface().(M)
	if err := proto.Unmarshal(data, got); err != nil {
		t.Fatal(err)
	}
	return got
}

// wantFull checks that every field of m is set.
func wantFull(t *testing.T, m proto.Message, besides []protoreflect.Name) {
	t.Helper()
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.ProtoReflect().Has(f) && !slices.Contains(besides, f.Name()) {
			t.Errorf("field %s is not set from the type", f.FullName())
		}
	}
}

// filled returns a T in which each field has a value of its own.
func filled[T any](t *testing.T) T {
	t.Helper()
	var v T
	fill(t, reflect.ValueOf(&v).Elem(), reflect.TypeFor[T]().Name())
	return v
}

func fill(t *testing.T, v reflect.Value, name string) {
	t.Helper()
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		seconds := 0
		for _, c := range name {
			seconds += int(c)
		}
		v.Set(reflect.ValueOf(time.Unix(1_700_000_000+int64(seconds), 123456789).UTC()))
		return
	case v.Type() == reflect.TypeFor[fault.Kind](): // it is sent by its number
		v.Set(reflect.ValueOf(fault.UntrustedServer))
		return
	case v.Type() == reflect.TypeFor[fault.Action]():
		v.Set(reflect.ValueOf(fault.SetVariable))
		return
	case v.Type() == reflect.TypeFor[error]():
		v.Set(reflect.ValueOf(errors.New(name)))
		return
	case v.Type() == reflect.TypeFor[[]byte]():
		v.SetBytes([]byte(name + "\x00\xff"))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				t.Fatalf("%s.%s is not exported: say how it is carried", name, f.Name)
			}
			fill(t, v.Field(i), name+"."+f.Name)
		}
	case reflect.String:
		v.SetString(name)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(int64(len(name)))
	case reflect.Uint64:
		v.SetUint(1<<63 + uint64(len(name)))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i), fmt.Sprintf("%s[%d]", name, i))
		}
	default:
		t.Fatalf("%s is a %s: teach the test to fill it", name, v.Type())
	}
}

// reveal returns v for a failure's text, with what a Secret hides.
func reveal(v any) any {
	switch v := v.(type) {
	case core.IDToken:
		return []any{v.Value.Reveal(), v.String(), v}
	case core.ClientSecrets:
		return []any{v.ClientSecret.Reveal(), v}
	case core.Record:
		return []any{string(v.Data), v}
	}
	return v
}

// TestTimes has the edges of what a time can be.
func TestTimes(t *testing.T) {
	t.Parallel()
	if wire.FromTime(time.Time{}) != nil || !wire.ToTime(nil).IsZero() {
		t.Error("no time is not the zero time")
	}
	for _, at := range []time.Time{time.Unix(0, 0), time.Unix(0, 1), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)} {
		if got := wire.ToTime(wire.FromTime(at)); !got.Equal(at) {
			t.Errorf("%s came back as %s", at, got)
		}
	}
}

// TestReasonsAreDistinct has each value of the enum in the table at most once, and
// all but the one that says nothing.
func TestReasonsAreDistinct(t *testing.T) {
	t.Parallel()
	seen := make(map[pb.Reason]bool)
	for _, err := range identities(t) {
		m := wire.FromError(err)
		if len(m.Reasons) != 1 {
			t.Errorf("%v has the reasons %v, want one", err, m.Reasons)
			continue
		}
		if seen[m.Reasons[0]] {
			t.Errorf("%v has the reason %v, as another has", err, m.Reasons[0])
		}
		seen[m.Reasons[0]] = true
	}
	for number, name := range pb.Reason_name {
		if reason := pb.Reason(number); reason != pb.Reason_REASON_UNSPECIFIED && !seen[reason] {
			t.Errorf("%s stands for no error", name)
		}
	}
}
