package profile

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// Edits change config.toml where it stands, so that comments and order survive.
// After each edit the new text is read again and compared with what was meant;
// where a file is written in a way that the edit does not understand, it is left
// alone and the person is asked to edit it.

// An EditError is a config.toml that could not be edited.
type EditError struct {
	Path string
	Want string // the lines to add or change by hand
}

func (e *EditError) Error() string {
	return fmt.Sprintf("%s is written in a way that is not understood here: please edit it yourself: %s", e.Path, e.Want)
}

// Is makes errors.Is(err, fault.BadConfig) true.
func (e *EditError) Is(target error) bool { return target == fault.BadConfig }

// Remedy says what to do next.
func (e *EditError) Remedy() fault.Remedy { return fault.CorrectFile.On(e.Path) }

// Use makes name the profile that is used when none is named.
func (c *Config) Use(name string) error {
	if _, err := c.SettingsOf(name); err != nil {
		return err
	}
	line := fmt.Sprintf("profile = %q", name)
	return c.edit(line, func(m map[string]any) { m["profile"] = name }, func(lines []string) []string {
		for i, l := range lines {
			if isTable(l) {
				break
			}
			if keyOf(l) == "profile" {
				lines[i] = line
				return lines
			}
		}
		return append([]string{line}, lines...)
	})
}

// Add makes a profile. The settings that are strings and not empty are written.
func (c *Config) Add(name string, s Settings) error {
	if err := core.CheckKey(name); err != nil {
		return fmt.Errorf("profile name %w", err)
	}
	if _, ok := c.Profiles[name]; ok || name == core.DefaultKey {
		return fmt.Errorf("there is a profile %q already", name)
	}
	values := map[string]any{}
	for _, f := range []struct{ key, value string }{
		{"store", s.Store}, {"flow", s.Flow}, {"issuer", s.Issuer}, {"hosted_domain", s.HostedDomain}, {"login_hint", s.LoginHint},
		{"session_lifetime", s.SessionLifetime}, {"browser", s.Browser},
		{"audience", s.Audience}, {"key_file", s.KeyFile}, {"service_account", s.ServiceAccount},
	} {
		if f.value != "" {
			values[f.key] = f.value
		}
	}
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&text, "%s = %s\n", key, tomlText(values[key].(string)))
	}
	block := fmt.Sprintf("[profiles.%s]\n%s", tomlKey(name), text.String())
	return c.edit(block, func(m map[string]any) { tableOf(m, "profiles")[name] = values }, func(lines []string) []string {
		if n := len(lines); n > 0 && strings.TrimSpace(lines[n-1]) != "" {
			lines = append(lines, "")
		}
		return append(lines, strings.Split(strings.TrimRight(block, "\n"), "\n")...)
	})
}

// Remove takes a profile's settings out of config.toml. If it is the active one,
// the default profile becomes active.
func (c *Config) Remove(name string) error {
	if _, ok := c.Profiles[name]; !ok && c.Active != name {
		return nil
	}
	heads := []string{"[profiles." + name, `[profiles."` + name + `"`}
	mine := func(l string) bool {
		l = strings.TrimSpace(l)
		for _, h := range heads {
			if rest, ok := strings.CutPrefix(l, h); ok && (strings.HasPrefix(rest, "]") || strings.HasPrefix(rest, ".")) {
				return true
			}
		}
		return false
	}
	mean := func(m map[string]any) {
		delete(tableOf(m, "profiles"), name)
		if m["profile"] == name {
			delete(m, "profile")
		}
	}
	return c.edit("remove the table [profiles."+name+"]", mean, func(lines []string) []string {
		var kept []string
		in, top := false, true
		for _, l := range lines {
			if isTable(l) {
				in, top = mine(l), false
			}
			if in || top && keyOf(l) == "profile" && c.Active == name {
				continue
			}
			kept = append(kept, l)
		}
		return kept
	})
}

// SetIssuer sets the provider of a profile, at the top level for the default
// profile.
func (c *Config) SetIssuer(name, issuer string) error { return c.set(name, "issuer", issuer) }

// SetStore sets the store of a profile, at the top level for the default profile.
func (c *Config) SetStore(name, store string) error { return c.set(name, "store", store) }

// set sets a setting of a profile that is a text.
func (c *Config) set(name, key, value string) error {
	line := fmt.Sprintf("%s = %q", key, value)
	head := "[profiles." + tomlKey(name) + "]"
	mean := func(m map[string]any) {
		if name != core.DefaultKey {
			m = tableOf(tableOf(m, "profiles"), name)
		}
		m[key] = value
	}
	return c.edit(line, mean, func(lines []string) []string {
		at := 0 // where the table's lines begin
		if name != core.DefaultKey {
			for at < len(lines) && strings.TrimSpace(lines[at]) != head {
				at++
			}
			if at == len(lines) {
				lines = append(lines, head)
			}
			at++
		}
		for i := at; i < len(lines) && !isTable(lines[i]); i++ {
			if keyOf(lines[i]) == key {
				lines[i] = line
				return lines
			}
		}
		return append(lines[:at:at], append([]string{line}, lines[at:]...)...)
	})
}

// edit applies change to the lines of the file, checks that the outcome means
// what mean makes of the present content, and saves it.
func (c *Config) edit(want string, mean func(map[string]any), change func([]string) []string) error {
	path := filepath.Join(c.dir, ConfigName)
	var before, after map[string]any
	if err := toml.Unmarshal(c.raw, &before); err != nil {
		return fmt.Errorf("settings %s: %w", path, err)
	}
	if before == nil {
		before = map[string]any{}
	}
	mean(before)
	eol := "\n"
	if n := bytes.Count(c.raw, []byte("\r\n")); n > 0 && n == bytes.Count(c.raw, []byte("\n")) {
		eol = "\r\n"
	}
	text := strings.TrimRight(strings.ReplaceAll(string(c.raw), eol, "\n"), "\n")
	var lines []string
	if text != "" {
		lines = strings.Split(text, "\n")
	}
	text = strings.TrimRight(strings.Join(change(lines), "\n"), "\n") + "\n"
	data := []byte(strings.ReplaceAll(text, "\n", eol))
	if err := toml.Unmarshal(data, &after); err != nil || !sameMeaning(before, after) {
		return &EditError{Path: path, Want: want}
	}
	next, err := parseConfig(data)
	if err != nil {
		return err
	}
	err = privatefile.Edit(context.Background(), path, func(old []byte) ([]byte, error) {
		if !bytes.Equal(old, c.raw) {
			return nil, &core.Error{Subject: path, Kind: core.ErrConflict}
		}
		return data, nil
	})
	if err != nil {
		return err
	}
	next.dir = c.dir
	*c = *next
	return nil
}

// sameMeaning compares two configurations; an empty table is none.
func sameMeaning(a, b map[string]any) bool {
	for _, m := range []map[string]any{a, b} {
		if p, ok := m["profiles"].(map[string]any); ok && len(p) == 0 {
			delete(m, "profiles")
		}
	}
	return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b)
}

func tableOf(m map[string]any, key string) map[string]any {
	t, ok := m[key].(map[string]any)
	if !ok {
		t = map[string]any{}
		m[key] = t
	}
	return t
}

func isTable(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "[") }

func keyOf(line string) string {
	key, _, ok := strings.Cut(line, "=")
	if !ok {
		return ""
	}
	return strings.Trim(strings.TrimSpace(key), `"'`)
}

// tomlText quotes a text: as a literal if it can be one. What Go quotes in another
// way than TOML, the check of each edit notices. The library's encoder, for which
// this stands, is a hundredth of the light executable.
func tomlText(s string) string {
	plain := func(r rune) bool { return r >= ' ' && r != 0x7f && r != '\'' }
	if strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return "'" + s + "'"
	}
	return fmt.Sprintf("%q", s)
}

// tomlKey quotes a name that is no bare key.
func tomlKey(name string) string {
	if strings.Contains(name, ".") {
		return `"` + name + `"`
	}
	return name
}
