package setting_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins/setting"
)

const planted = "correct-horse-battery"

func TestSecretComesFromAFileOrACommand(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(planted+"\r\nsecond line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := `["printf", "%s\n", "` + planted + `"]`
	if runtime.GOOS == "windows" {
		command = `["cmd", "/c", "echo ` + planted + `"]`
	}
	for _, text := range []string{fmt.Sprintf(`{"file": %q}`, file), `{"command": ` + command + `}`} {
		var s setting.Secret
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := s.Read(t.Context())
		if err != nil || got.Reveal() != planted {
			t.Errorf("%s: %v, error %v", text, got, err)
		}
	}
}

func TestSecretItselfIsRefusedAndNotShown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`"` + planted + `"`, `{"value": "` + planted + `"}`, `{"file": "/a", "command": ["b"]}`, `{}`, `7`, `["a"]`} {
		var s setting.Secret
		err := json.Unmarshal([]byte(text), &s)
		if !errors.Is(err, fault.BadConfig) || strings.Contains(err.Error(), planted) {
			t.Errorf("%s: error %v, want one about settings that does not show them", text, err)
		}
	}
}

func TestSecretIsNotReadFromWhatOthersCanRead(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a file has no mode")
	}
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(planted), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := (setting.Secret{File: file}).Read(t.Context()); !errors.Is(err, fault.Insecure) || got != "" {
		t.Errorf("a file with mode 0644: error %v", err)
	}
}

func TestCommandThatFailsShowsNothingOfItsOutput(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{
		{"sh", "-c", "echo " + planted + "; echo " + planted + " >&2; exit 3"},
		{"no-such-program", planted},
		{"sh", "-c", "true", planted},
	} {
		_, err := setting.Secret{Command: command}.Read(t.Context())
		if err == nil || strings.Contains(err.Error(), planted) {
			t.Errorf("%q: error %v", command[0], err)
		}
	}
}
