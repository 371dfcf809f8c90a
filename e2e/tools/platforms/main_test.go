package main

import (
	"slices"
	"strings"
	"testing"
)

// events are lines of "go test -json", of the package core.
func events(lines ...string) string {
	var b strings.Builder
	for _, line := range lines {
		action, test, _ := strings.Cut(line, " ")
		b.WriteString(`{"Action":"` + action + `","Package":"` + module + `core","Test":"` + test + "\"}\n")
	}
	return b.String()
}

func TestPackageThatFailsIsNamed(t *testing.T) {
	for name, in := range map[string]string{
		"a test":       events("start", "run TestA", "fail TestA", "fail"),
		"none ended":   events("start", "run TestA", "output TestA", "fail"),
		"a build":      events("start", "fail"),
		"again":        events("start", "run TestA", "fail TestA", "fail", "start", "run TestA", "fail TestA", "fail"),
		"only at last": events("start", "run TestA", "pass TestA", "pass", "start", "fail"),
	} {
		list, err := read(strings.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		if got := failures(list); !slices.Equal(got, []string{"core"}) {
			t.Errorf("%s: %q failed", name, got)
		}
	}
}

func TestSecondRunOfAPackageCounts(t *testing.T) {
	list, err := read(strings.NewReader(events("start", "run TestA", "fail TestA", "fail", "start", "run TestA", "pass TestA", "pass")))
	if err != nil {
		t.Fatal(err)
	}
	if got := failures(list); len(got) > 0 {
		t.Errorf("%q failed", got)
	}
	if p := list["core"]; !slices.Equal(p.before, []string{"TestA", ""}) || !slices.Equal(p.passed, []string{"TestA"}) {
		t.Errorf("%+v", p)
	}
}

func TestPackageWithoutTestsHasNoRow(t *testing.T) {
	list, err := read(strings.NewReader(events("start", "output", "skip")))
	if err != nil || len(list) > 0 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestNothingThatRanIsAnError(t *testing.T) {
	if _, err := read(strings.NewReader("")); err == nil {
		t.Error("no error")
	}
}
