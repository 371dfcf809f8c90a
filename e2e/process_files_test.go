//go:build unix

package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tokens is the file of the session.
func (m *machine) tokens() string { return filepath.Join(m.dir, "tokens.json") }

// session returns the stored session, which must be whole and private.
func (m *machine) session(t *testing.T) map[string]any {
	t.Helper()
	return readSession(t, m.tokens())
}

func readSession(t *testing.T, path string) map[string]any {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 && os.Getenv(systemEnv) == "" {
		t.Fatalf("%s has mode %v, expected 0600", path, info.Mode())
	}
	fields, err := decode(mustRead(t, path))
	if err != nil {
		t.Fatalf("%s is not whole: %v", path, err)
	}
	for _, name := range []string{"id_token", "refresh_token", "access_token"} {
		if text, _ := fields[name].(string); text == "" {
			t.Fatalf("%s has no %s", path, name)
		}
	}
	return fields
}

// decode keeps numbers as they are written.
func decode(data []byte) (fields map[string]any, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	err = dec.Decode(&fields)
	return fields, err
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// edit changes a stored session as another program would.
func edit(t *testing.T, path string, change func(map[string]any)) {
	t.Helper()
	fields := readSession(t, path)
	change(fields)
	data, err := json.MarshalIndent(fields, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// age makes the stored ID token one that has this long to live; less than
// zero is one that expired. No token changes, so that a provider's clock is not
// in the way.
func age(t *testing.T, path string, left time.Duration) {
	t.Helper()
	const life = time.Hour
	edit(t, path, func(fields map[string]any) {
		fields["obtained_at"] = time.Now().Add(left - life).UTC().Format(time.RFC3339Nano)
		fields["valid_for"] = life.Seconds()
	})
}

// temps returns the files that an interrupted save left.
func (m *machine) temps(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), ".tmp-") {
			names = append(names, e.Name())
		}
	}
	return names
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
