package file_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/file"
)

// A login can know that a session could not be saved before a browser opens.
func TestCheck(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tokentoss")
	s, err := file.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(context.Background(), core.DefaultKey); err != nil {
		t.Fatalf("Check of a place that can be written: %v", err)
	}
	saved, err := s.Save(context.Background(), core.DefaultKey, core.Record{Data: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(context.Background(), core.DefaultKey); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(context.Background(), core.DefaultKey); err != nil || got.Revision != saved.Revision {
		t.Errorf("Check changed the document: %v, %v", got, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "tokens.json" && e.Name() != ".tokens.json.write" {
			t.Errorf("Check left %s behind", e.Name())
		}
	}
	if err := os.Chmod(s.Path(core.DefaultKey), 0o400); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(context.Background(), core.DefaultKey); !errors.Is(err, core.ErrReadOnly) {
		t.Errorf("Check over a read-only document: %v, want ErrReadOnly", err)
	}
}
