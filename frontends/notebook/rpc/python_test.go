package rpc_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
)

// found returns what a pattern finds in a file of the Python package.
func found(t *testing.T, file, pattern string) []string {
	t.Helper()
	data, err := os.ReadFile("../python/src/tokentoss/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(data), -1) {
		list = append(list, m[1])
	}
	return list
}

// The exceptions of the Python package, and its words for what to do, are those of
// the one table of kinds.
func TestPythonKnowsEveryKindAndAction(t *testing.T) {
	t.Parallel()
	exceptions, exported := found(t, "exceptions.py", `(?m)^class (\w+)\(`), found(t, "exceptions.py", `(?m)^    "(\w+)",$`) // __all__
	for _, row := range fault.Table() {
		if !slices.Contains(exceptions, row.Python) || !slices.Contains(exported, row.Python) {
			t.Errorf("%s is %q in Python, which has no such exception, or does not export it", row.Kind, row.Python)
		}
	}
	words := found(t, "_remedies.py", `(?m)^    "(\w+)": \(`)
	for _, action := range fault.Actions() {
		if !slices.Contains(words, string(action)) {
			t.Errorf("the Python package has no words for %q", action)
		}
	}
	if len(words) < 20 || len(exceptions) < 15 {
		t.Errorf("%d words and %d exceptions were found", len(words), len(exceptions))
	}
}
