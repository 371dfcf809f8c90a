package plugins_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/storetest/pgtest"
)

// What docs/write-a-*.md tells to write compiles and passes the tests that are
// written there, in a module of its own.
func TestDocs(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is not here")
	}
	for _, doc := range []string{"write-a-store.md", "write-a-frontend.md"} {
		t.Run(doc, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "docs", doc))
			if err != nil {
				t.Skip("the module is tested without the repository: ", err)
			}
			dir := t.TempDir()
			fragments := writeDoc(t, dir, string(text))
			if fragments == 0 {
				t.Error("there are no lines of code outside of files")
			}
			workspace(t, dir)
			goCommand(t, dir, nil, "vet", "./...")
			if !testing.Short() {
				goCommand(t, dir, database(t, doc), "test", "-count=1", "./...")
			}
		})
	}
}

var (
	codeBlock  = regexp.MustCompile("(?s)```go\n(.*?)```")
	moduleInit = regexp.MustCompile(`(?m)^go mod init (\S+)$`)

	// fileName begins the paragraph before a block that is a file.
	fileName = regexp.MustCompile("(?s)(?:^|.*\n\n)`([a-z_/]+\\.go)` [^`]*(?:`[^`]*`[^`]*)*\n\n$")
)

// writeDoc writes the blocks of Go code of a document: files, and lines of code,
// which can use what they are said to have. It returns the number of the latter.
func writeDoc(t *testing.T, dir, text string) (fragments int) {
	t.Helper()
	module := moduleInit.FindStringSubmatch(text)
	if module == nil {
		t.Fatal("there is no go mod init")
	}
	write(t, filepath.Join(dir, "go.mod"), "module "+module[1]+"\n\ngo 1.26.0\n")
	end := 0
	for _, at := range codeBlock.FindAllStringSubmatchIndex(text, -1) {
		before, code := text[end:at[0]], text[at[2]:at[3]]
		end = at[1]
		if strings.HasPrefix(code, "package ") || strings.HasPrefix(code, "// Package ") {
			name := fileName.FindStringSubmatch(before)
			if name == nil {
				t.Fatalf("no file is named before the block\n%.200s", code)
			}
			write(t, filepath.Join(dir, filepath.FromSlash(name[1])), code)
			continue
		}
		fragments++
		write(t, filepath.Join(dir, "lines", fmt.Sprintf("lines%d.go", fragments)), fragment(code, fragments))
	}
	return fragments
}

// fragment makes a file of lines of code.
func fragment(code string, n int) string {
	imports := `"context"; "github.com/tokentoss/tokentoss/plugins"`
	if strings.Contains(code, "errors.") {
		imports += `; "errors"`
	}
	return fmt.Sprintf("package lines\n\nimport (%s)\n\nfunc Lines%d(ctx context.Context, o plugins.Opening[struct{}]) error {\n%s\n\treturn nil\n}\n", imports, n, code)
}

// workspace makes a workspace of the module in dir and this repository's.
func workspace(t *testing.T, dir string) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	work, err := os.ReadFile(filepath.Join(root, "go.work"))
	if err != nil {
		t.Skip("the module is tested without the repository: ", err)
	}
	absolute := strings.ReplaceAll(string(work), "./", filepath.ToSlash(root)+"/")
	absolute = strings.Replace(absolute, "\t.\n", "\t"+filepath.ToSlash(root)+"\n", 1)
	write(t, filepath.Join(dir, "go.work"), absolute+"\nuse .\n")
	sums, err := os.ReadFile(filepath.Join(root, "go.work.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.work.sum"), string(sums))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// database starts the server that the store of the guide keeps sessions in, and returns
// the variable that its test reads.
func database(t *testing.T, doc string) []string {
	t.Helper()
	if doc != "write-a-store.md" {
		return nil
	}
	server, err := pgtest.Start()
	if errors.Is(err, pgtest.ErrNotInstalled) {
		t.Log(err)
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return []string{"TEST_DATABASE=" + strings.Replace(server.URL(), "@", ":"+pgtest.Password+"@", 1)}
}

func goCommand(t *testing.T, dir string, env []string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "GOWORK="+filepath.Join(dir, "go.work")), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
