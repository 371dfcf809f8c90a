package host

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
)

// TestDescription: all that a plugin says of itself is kept, and none of it can do
// something to a terminal.
func TestDescription(t *testing.T) {
	t.Parallel()
	m := &pb.DescribeResponse{
		Name: "pass", Version: "v1", About: "about\x1b[31m\nmore\u009b\x7f " + strings.Repeat("x", 1000), Kind: pb.Kind_KIND_STORE,
		Capabilities: []pb.Capability{pb.Capability_CAPABILITY_LOCKING, 99, pb.Capability_CAPABILITY_LISTING},
		Settings:     []*pb.Setting{{Name: "folder\r", Type: "text", About: "a\tb"}},
	}
	got := description(m)
	v := reflect.ValueOf(got)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s was lost", v.Type().Field(i).Name)
		}
	}
	if strings.ContainsAny(got.About+got.Settings[0].Name+got.Settings[0].About, "\x1b\n\r\t\x7f\u009b") || len(got.About) > 300 {
		t.Errorf("for a terminal: %+v", got)
	}
	if want := (plugins.Setting{Name: "folder", Type: "text", About: "a b"}); got.Settings[0] != want {
		t.Errorf("the setting is %+v, want %+v", got.Settings[0], want)
	}
	if d := description(&pb.DescribeResponse{Name: "x", Kind: 99}); d.Kind != "" || d.Locking || d.Listing {
		t.Errorf("what nobody knows is %+v", d)
	}
	if d := description(&pb.DescribeResponse{Kind: pb.Kind_KIND_FRONTEND}); d.Kind != plugins.KindFrontend {
		t.Errorf("a frontend is %+v", d)
	}
}
