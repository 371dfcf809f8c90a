package privatefile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tokentoss/tokentoss/core/privatefile"
)

// Files of people and platforms are read without the byte order mark that editors and
// shells on Windows write.
func TestByteOrderMarksAreNotContent(t *testing.T) {
	t.Parallel()
	const want = "é = \"1\"\n"
	for name, data := range map[string][]byte{
		"none":     []byte(want),
		"UTF-8":    []byte("\xef\xbb\xbf" + want),
		"UTF-16LE": []byte("\xff\xfe\xe9\x00 \x00=\x00 \x00\"\x001\x00\"\x00\n\x00"),
		"UTF-16BE": []byte("\xfe\xff\x00\xe9\x00 \x00=\x00 \x00\"\x001\x00\"\x00\n"),
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := privatefile.ReadEdited(path); err != nil || string(got) != want {
			t.Errorf("%s, edited: %q, %v", name, got, err)
		}
		if got, err := privatefile.ReadGiven(path); err != nil || string(got.Data) != want {
			t.Errorf("%s, given: %q, %v", name, got.Data, err)
		}
	}
}
