package e2e_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const modulePath = "github.com/tokentoss/tokentoss/"

// floors are the folders of the repository from the bottom up. A folder belongs to the
// longest entry that it begins with, and imports none of a floor above its own.
var floors = [][]string{
	{"emulator"},
	{"core/fault", "core/internal", "core/peercred", "core/privatefile", "core/proxyenv"},
	{"core/oidc"},
	{"core"},
	{"core/authcode", "core/device", "core/jupyterhub", "core/iap", "core/googleid", "core/storetest", "core/frontendtest", "core/internal/ask"},
	{"plugins", "stores"},
	{"profile"},
	{"frontends/signin"},
	{"frontends"},
	{"e2e"},
}

// floorOf returns the number of a package's floor, counted from the bottom.
func floorOf(pkg string) int {
	folder, ok := strings.CutPrefix(pkg, modulePath)
	if !ok {
		return -1 // of somebody else
	}
	best, floor := "", -1
	for i, names := range floors {
		for _, name := range names {
			if (folder == name || strings.HasPrefix(folder, name+"/")) && len(name) > len(best) {
				best, floor = name, i
			}
		}
	}
	return floor
}

// The architecture is read off the folders. What an executable's own main package puts
// together is its affair, and so is what a test or an example shows.
func TestNoFolderImportsOneAboveIt(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Imports", "work")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	packages := 0
	for d := json.NewDecoder(out); ; packages++ {
		var p struct {
			ImportPath, Name string
			Imports          []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		own := floorOf(p.ImportPath)
		if own < 0 {
			t.Errorf("%s is on no floor", p.ImportPath)
		}
		if p.Name == "main" {
			continue
		}
		for _, other := range p.Imports {
			if floorOf(other) > own {
				t.Errorf("%s imports %s, which is above it", p.ImportPath, other)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if packages < 40 {
		t.Errorf("only %d packages were seen", packages)
	}
}
