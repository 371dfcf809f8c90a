package profile

import (
	"reflect"
	"slices"
	"strings"
)

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
