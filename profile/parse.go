package profile

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// parseConfig reads the text of config.toml.
func parseConfig(data []byte) (*Config, error) {
	c := &Config{raw: data}
	dec := toml.NewDecoder(strings.NewReader(string(data))).DisallowUnknownFields()
	err := dec.Decode(c)
	var strict *toml.StrictMissingError
	var syntax *toml.DecodeError
	switch {
	case errors.As(err, &strict) && len(strict.Errors) > 0:
		row, _ := strict.Errors[0].Position()
		key := strict.Errors[0].Key()
		return nil, fmt.Errorf("line %d: there is no setting %q%s", row, strings.Join(key, "."), didYouMean(key))
	case errors.As(err, &syntax):
		row, col := syntax.Position()
		key := syntax.Key()
		if table := tableAt(data, row); len(key) == 0 && table != nil {
			key = table
		}
		if meant := didYouMean(key); meant != "" {
			return nil, fmt.Errorf("line %d: there is no table %q%s", row, strings.Join(key, "."), meant)
		}
		if want := wantedType(err.Error()); want != "" {
			return nil, fmt.Errorf("line %d: %s wants %s", row, strings.Join(syntax.Key(), "."), want)
		}
		return nil, fmt.Errorf("line %d, column %d: %w", row, col, err)
	case err != nil:
		return nil, err
	}
	return c, c.check()
}

// didYouMean suggests another key.
func didYouMean(key []string) string {
	if len(key) == 0 {
		return ""
	}
	if meant := suggest(key); meant != "" {
		return fmt.Sprintf("; did you mean %q?", meant)
	}
	return ""
}

// tableAt returns the key of the table that begins in a line, or nil.
func tableAt(data []byte, row int) []string {
	lines := strings.Split(string(data), "\n")
	if row < 1 || row > len(lines) || !isTable(lines[row-1]) {
		return nil
	}
	return strings.Split(strings.Trim(strings.TrimSpace(lines[row-1]), "[]"), ".")
}

// wantedType says what a setting's value should have been, if text is the
// decoder's complaint about a value's type, whose words are Go's.
func wantedType(text string) string {
	_, name, _ := strings.Cut(text, " into struct field ")
	_, name, _ = strings.Cut(name, " of type ")
	return map[string]string{
		"string": `a string, as in "x"`, "[]string": `an array of strings, as in ["x", "y"]`,
		"int": "a number", "bool": "true or false", "map[string]string": `a table of strings, as in { x = "y" }`,
	}[name]
}

// suggest returns what a person may have meant by a key of config.toml that is not known,
// or a table that is a setting; or nothing. Key is split at its dots.
func suggest(key []string) string {
	plural := map[string]string{"store": "stores", "frontend": "frontends", "profile": "profiles"}
	names, at := namesOf(reflect.TypeFor[Config]()), 0
	if key[0] == "profiles" && len(key) > 2 {
		if table, ok := plural[strings.TrimSuffix(key[2], "s")]; ok && len(key) > 3 {
			return strings.Join(append([]string{table}, key[3:]...), ".") // for all profiles
		}
		names, at = namesOf(reflect.TypeFor[Settings]()), 2
	}
	if at == 0 && len(key) > 1 {
		names = []string{"profiles", "stores", "frontends", "auth_params"} // the tables
	}
	meant := closest(key[at], names)
	if meant == "" || meant == key[at] {
		return ""
	}
	return strings.Join(slices.Concat(key[:at], []string{meant}, key[at+1:]), ".")
}

// namesOf returns the names that the fields of t have in config.toml.
func namesOf(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("toml"); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// closest returns the name with the fewest changes of a letter to word, if they are few.
func closest(word string, names []string) string {
	best, least := "", min(3, len(word)/2+1)
	for _, name := range names {
		if d := distance(word, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is how many letters are to be inserted, removed or replaced (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, before+1, row[j]+1)
		}
	}
	return row[len(b)]
}
