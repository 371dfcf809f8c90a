package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// versions finds the versions of what is pinned, below the root of the repository.
type versions struct{ root string }

// of returns what a row says, or for "pypi NAME", "npm NAME" and "go MODULE" what is pinned.
func (v versions) of(text string) (string, error) {
	kind, name, ok := strings.Cut(text, " ")
	look, known := map[string]func(string) (string, error){"pypi": v.pypi, "npm": v.npm, "go": v.goModule}[kind]
	if !ok || !known {
		return text, nil
	}
	version, err := look(name)
	if err == nil && version == "" {
		err = fmt.Errorf("no version of %s is pinned", text)
	}
	return version, err
}

func (v versions) pypi(name string) (string, error) {
	return v.find(`(?mi)^`+regexp.QuoteMeta(name)+`==(\S+)`, "e2e/clients/programs/requirements.txt")
}

func (v versions) goModule(name string) (string, error) {
	return v.find(`(?m)^\s*`+regexp.QuoteMeta(name)+` v(\S+)`, "e2e/tools/clients/go.mod")
}

func (v versions) npm(name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(v.root, "e2e/clients/programs/package-lock.json"))
	if err != nil {
		return "", err
	}
	var lock struct {
		Packages map[string]struct {
			Version string `json:"version"`
		} `json:"packages"`
	}
	err = json.Unmarshal(data, &lock)
	return lock.Packages["node_modules/"+name].Version, err
}

// find returns the group of an expression in a file.
func (v versions) find(expression, file string) (string, error) {
	data, err := os.ReadFile(filepath.Join(v.root, file))
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(expression).FindSubmatch(data)
	if found == nil {
		return "", nil
	}
	return string(found[1]), nil
}
