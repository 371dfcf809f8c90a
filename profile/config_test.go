package profile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// config writes a config.toml and reads it.
func config(t *testing.T, text string) *Config {
	t.Helper()
	dir := t.TempDir()
	if text != "" {
		if err := os.WriteFile(filepath.Join(dir, ConfigName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What editors on Windows write is read: a byte order mark, and lines that end in
// CR LF. An edit keeps the line ends.
func TestWindowsFile(t *testing.T) {
	c := config(t, "\ufeffbrowser = \"none\"\r\n# mine\r\n[profiles.work]\r\nlogin_hint = \"a@example.com\"\r\n")
	if c.Browser != "none" {
		t.Errorf("browser = %q", c.Browser)
	}
	if err := c.Add("lab", Settings{Browser: "firefox"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Remove("work"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(c.dir, ConfigName))
	if want := "browser = \"none\"\r\n# mine\r\n[profiles.lab]\r\nbrowser = 'firefox'\r\n"; err != nil || string(data) != want {
		t.Errorf("after the edits: %q, %v\nwant %q", data, err, want)
	}
}

// A setting of the wrong type is named as a person knows it, with what it wants
// and what to do, and not in words of Go's.
func TestWrongTypes(t *testing.T) {
	for text, want := range map[string]string{
		"browser = 1":                          `line 1: browser wants a string, as in "x"`,
		"\n[profiles.work]\ntargets = \"x\"":   `line 3: profiles.work.targets wants an array of strings, as in ["x", "y"]`,
		"redirect_port = \"8765\"":             "line 1: redirect_port wants a number",
		"insecure_loopback = \"yes\"":          "line 1: insecure_loopback wants true or false",
		"auth_params = [\"a\"]":                `line 1: auth_params wants a table of strings, as in { x = "y" }`,
		"profiles = 1":                         "line 1, column",
		"session_lifetime = 12 # hours, maybe": "line 1: session_lifetime wants a string",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ConfigName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadConfig(dir)
		var ce *ConfigError
		if !errors.As(err, &ce) || !strings.Contains(err.Error(), want) || ce.Remedy().IsZero() {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

// An edit changes what it is meant to and nothing else: comments, order and
// settings of others stay.
func TestEditsKeepTheFile(t *testing.T) {
	const before = `# mine
profile = "work" # the one

browser = "firefox"

[profiles.work] # a comment
login_hint = "ada@example.com"
targets = [
  "https://a.example", # one
]

# the lab
[profiles.lab]
issuer = "https://id.example"
`
	for _, tt := range []struct {
		name string
		edit func(*Config) error
		want string
	}{
		{"use", func(c *Config) error { return c.Use("lab") }, strings.Replace(before, `profile = "work" # the one`, `profile = "lab"`, 1)},
		{"add", func(c *Config) error { return c.Add("new", Settings{LoginHint: "eve@example.com"}) },
			before + "\n[profiles.new]\nlogin_hint = 'eve@example.com'\n"},
		{"add with a dot", func(c *Config) error { return c.Add("a.b", Settings{}) }, before + "\n[profiles.\"a.b\"]\n"},
		{"issuer of the default profile", func(c *Config) error { return c.SetIssuer(core.DefaultKey, "https://x.example") },
			"issuer = \"https://x.example\"\n" + before},
		{"issuer changed", func(c *Config) error { return c.SetIssuer("lab", "https://x.example") },
			strings.Replace(before, "https://id.example", "https://x.example", 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config(t, before)
			if err := tt.edit(c); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(c.dir, ConfigName))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

// Removing a profile takes its tables, and what points at it.
func TestRemove(t *testing.T) {
	c := config(t, "profile = \"work\"\nbrowser = \"none\"\n\n[profiles.work]\nstore = \"file\"\n\n[profiles.work.auth_params]\ncred_ref = \"true\"\n\n[profiles.worker]\nstore = \"file\"\n")
	if err := c.Remove("work"); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Profiles["work"]; ok || c.Active != "" || len(c.Profiles) != 1 || c.Browser != "none" {
		t.Errorf("left: %+v", c)
	}
}

// A file that is written in a way the edit does not understand is left alone.
func TestEditRefuses(t *testing.T) {
	const text = "profiles = { work = { store = \"file\" } }\n"
	c := config(t, text)
	var edit *EditError
	if err := c.Remove("work"); !errors.As(err, &edit) {
		t.Errorf("Remove: %v, want an EditError", err)
	}
	if got, _ := os.ReadFile(filepath.Join(c.dir, ConfigName)); string(got) != text {
		t.Errorf("the file was changed: %s", got)
	}
}

func TestConfigFaults(t *testing.T) {
	for text, want := range map[string]string{
		"sesion_lifetime = \"1h\"":                       "line 1: there is no setting \"sesion_lifetime\"",
		"\n[profiles.x]\nbrowsr = \"none\"":              "line 3: there is no setting \"profiles.x.browsr\"",
		"browser = ":                                     "line 1",
		"session_lifetime = \"1 day\"":                   "session_lifetime",
		"[profiles.X]":                                   "use a-z",
		"[auth_params]\nstate = \"x\"":                   "\"state\" is set by tokentoss itself",
		"[auth_params]\ncode_challenge_method=\"plain\"": "set by tokentoss itself",
		"redirect_port = 70000":                          "70000 is not a port",
	} {
		_, err := parseConfig([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// An unknown profile is named together with those that there are.
func TestUnknownProfile(t *testing.T) {
	c := config(t, "[profiles.work]\n")
	_, err := c.SettingsOf("wrok")
	var unknown *UnknownProfileError
	if !errors.As(err, &unknown) || unknown.Name != "wrok" || !slices.Equal(unknown.Known, []string{"default", "work"}) {
		t.Errorf("%v", err)
	}
}

// A directory is no profile when its name cannot be one, and is not taken into
// config.toml, where it would be in the way of every later command.
func TestUseWantsAName(t *testing.T) {
	c := config(t, "[profiles.work]\n")
	for _, name := range []string{"..", ".", "Work"} {
		if err := os.MkdirAll(filepath.Join(c.dir, "profiles", name), 0o700); err != nil {
			t.Fatal(err)
		}
		var unknown *UnknownProfileError
		if err := c.Use(name); !errors.As(err, &unknown) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// Without a place for it, nothing is put anywhere else.
func TestDir(t *testing.T) {
	for _, tt := range []struct{ env, value, want string }{
		{EnvConfigDir, "relative/dir", "not an absolute path"},
		{"HOME", "", "set HOME"},
		{"HOME", "here", "not an absolute path"},
	} {
		t.Run(tt.env+"="+tt.value, func(t *testing.T) {
			if runtime.GOOS == "windows" && tt.env == "HOME" {
				t.Skip("the directory is below that of %AppData%")
			}
			t.Setenv(EnvConfigDir, "")
			t.Setenv("XDG_CONFIG_HOME", "")
			t.Setenv(tt.env, tt.value)
			if dir, err := Dir(); err == nil || !strings.Contains(err.Error()+"; "+fault.RemedyOf(err).String(), tt.want) {
				t.Errorf("Dir() = %q, %v; want %q", dir, err, tt.want)
			}
		})
	}
}
