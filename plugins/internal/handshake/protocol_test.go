package handshake_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tokentoss/tokentoss/plugins/internal/handshake"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
)

// TestVersion: the number in the handshake, in the packages of the protocol and in
// what they say of themselves is one and the same.
func TestVersion(t *testing.T) {
	t.Parallel()
	want := fmt.Sprintf("tokentoss.plugin.v%d", handshake.Protocol)
	for _, f := range []protoreflect.FileDescriptor{
		pb.File_tokentoss_plugin_v1_plugin_proto, pb.File_tokentoss_plugin_v1_store_proto, pb.File_tokentoss_plugin_v1_frontend_proto,
	} {
		if got := string(f.Package()); got != want {
			t.Errorf("%s is of package %s, want %s", f.Path(), got, want)
		}
	}
	files, err := filepath.Glob(fmt.Sprintf("../../proto/tokentoss/plugin/v%d/*.proto", handshake.Protocol))
	if err != nil || len(files) != 3 {
		t.Fatalf("the protocol is in %q, %v", files, err)
	}
	said := regexp.MustCompile(`protocol between tokentoss and its plugins, version (\d+)\.`)
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "\npackage "+want+";\n") {
			t.Errorf("%s is not of package %s", path, want)
		}
		if filepath.Base(path) != "plugin.proto" {
			continue
		}
		if m := said.FindStringSubmatch(string(text)); m == nil || m[1] != fmt.Sprint(handshake.Protocol) {
			t.Errorf("%s says %q of its version, want %d", path, m, handshake.Protocol)
		}
	}
}
