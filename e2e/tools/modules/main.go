// Command modules keeps the go.mod files of this repository's modules in order.
//
// The modules require each other by versions that are not published from a
// working tree, and go.mod files must hold no replace directives, which would
// break "go install". So this command writes every module, as it stands, into a
// module proxy in a directory, and runs the go command against that proxy and
// without go.work, as if the modules were released.
//
//	modules tidy            go mod tidy in every module
//	modules check           fails when go mod tidy would change something
//	modules build           builds and vets every module alone
//	modules install DIR PKG go install PKG@VERSION into DIR, as users do
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// Version is what the modules require of each other.
const version = "v0.1.0"

// prefix is the path that all modules share.
const prefix = "github.com/tokentoss/tokentoss"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "modules:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: modules tidy|check|build|install DIR PKG")
	}
	root, err := findRoot()
	if err != nil {
		return err
	}
	p, err := newProxy(root)
	if err != nil {
		return err
	}
	defer os.RemoveAll(p.dir)
	switch {
	case args[0] == "tidy" && len(args) == 1:
		return p.each(p.tidy)
	case args[0] == "check" && len(args) == 1:
		return p.each(p.check)
	case args[0] == "build" && len(args) == 1:
		return p.each(p.build)
	case args[0] == "install" && len(args) == 3:
		dir, err := filepath.Abs(args[1])
		if err != nil {
			return err
		}
		return p.goCommand(os.TempDir(), []string{"GOBIN=" + dir, "CGO_ENABLED=0"}, "install", prefix+"/"+args[2]+"@"+version)
	}
	return fmt.Errorf("%q is not a command: tidy, check, build or install", args)
}

// findRoot returns the directory of go.work.
func findRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOWORK").Output()
	work := strings.TrimSpace(string(out))
	if err != nil || work == "" || work == "off" {
		return "", fmt.Errorf("run this within the repository, with go.work in use")
	}
	return filepath.Dir(work), nil
}

// A proxy is a GOPROXY in a directory (https://go.dev/ref/mod#goproxy-protocol).
type proxy struct {
	root, dir string
	cache     string   // a module cache of its own, so that no stale copy is used
	modules   []string // directories, relative to root
}

func newProxy(root string) (*proxy, error) {
	dir, err := os.MkdirTemp("", "modules")
	if err != nil {
		return nil, err
	}
	p := &proxy{root: root, dir: dir, cache: filepath.Join(root, ".cache", "mod")}
	work, err := os.ReadFile(filepath.Join(root, "go.work"))
	if err != nil {
		return nil, err
	}
	parsed, err := modfile.ParseWork("go.work", work, nil)
	if err != nil {
		return nil, err
	}
	for _, use := range parsed.Use {
		p.modules = append(p.modules, filepath.Clean(use.Path))
		if err := p.add(filepath.Clean(use.Path)); err != nil {
			return nil, err
		}
	}
	return p, p.forget()
}

// add writes one module into the proxy.
func (p *proxy) add(rel string) error {
	mod, err := os.ReadFile(filepath.Join(p.root, rel, "go.mod"))
	if err != nil {
		return err
	}
	path := modfile.ModulePath(mod)
	at := filepath.Join(p.dir, filepath.FromSlash(path), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	info := fmt.Sprintf(`{"Version":%q,"Time":%q}`, version, time.Unix(0, 0).UTC().Format(time.RFC3339))
	for name, data := range map[string]string{version + ".mod": string(mod), version + ".info": info, "list": version + "\n"} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(data), 0o644); err != nil {
			return err
		}
	}
	f, err := os.Create(filepath.Join(at, version+".zip"))
	if err != nil {
		return err
	}
	defer f.Close()
	files, err := tracked(filepath.Join(p.root, rel))
	if err != nil {
		return err
	}
	return zip.Create(f, module.Version{Path: path, Version: version}, files)
}

// tracked returns the files below dir that git tracks, or would: what is built or
// downloaded into the tree is no part of a module. Those of modules further down are
// among them; package zip leaves them out.
func tracked(dir string) ([]zip.File, error) {
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files in %s: %w", dir, err)
	}
	var files []zip.File
	for path := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(path)))
		if errors.Is(err, fs.ErrNotExist) { // removed, and not committed yet
			continue
		}
		if err != nil {
			return nil, err
		}
		files = append(files, file{dir: dir, path: path, info: info})
	}
	return files, nil
}

// A file is a [zip.File] in the work tree.
type file struct {
	dir, path string
	info      fs.FileInfo
}

func (f file) Path() string                { return f.path }
func (f file) Lstat() (fs.FileInfo, error) { return f.info, nil }
func (f file) Open() (io.ReadCloser, error) {
	return os.Open(filepath.Join(f.dir, filepath.FromSlash(f.path)))
}

// forget removes earlier copies of the modules from the cache.
func (p *proxy) forget() error {
	for _, dir := range []string{"github.com/tokentoss", "cache/download/github.com/tokentoss"} {
		at := filepath.Join(p.cache, filepath.FromSlash(dir))
		// The module cache is read-only.
		_ = filepath.WalkDir(at, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				return os.Chmod(path, 0o755)
			}
			return err
		})
		if err := os.RemoveAll(at); err != nil {
			return err
		}
	}
	return nil
}

// each does f for every module, and names those for which it failed.
func (p *proxy) each(f func(module string) error) error {
	var failed []string
	for _, m := range p.modules {
		if err := f(m); err != nil {
			fmt.Fprintf(os.Stderr, "modules: %s: %v\n", m, err)
			failed = append(failed, m)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("not in order: %s", strings.Join(failed, ", "))
	}
	return nil
}

// tidy tidies one module. The checksums of the siblings are left out of go.sum:
// they change with every edit until there are releases.
func (p *proxy) tidy(m string) error {
	dir := filepath.Join(p.root, m)
	if err := dropSiblings(dir); err != nil {
		return err
	}
	if err := p.goCommand(dir, nil, "mod", "tidy"); err != nil {
		return err
	}
	return dropSiblings(dir)
}

// check fails when tidy would change go.mod or go.sum, and leaves them alone.
func (p *proxy) check(m string) error {
	changed, err := p.restoring(m, func() error { return p.tidy(m) })
	if err == nil && changed {
		err = fmt.Errorf("go.mod or go.sum is not tidy: run make tidy")
	}
	return err
}

// build vets one module alone, which also compiles it.
func (p *proxy) build(m string) error {
	_, err := p.restoring(m, func() error { return p.goCommand(filepath.Join(p.root, m), nil, "vet", "./...") })
	return err
}

// restoring does f, puts go.mod and go.sum of a module back as they were, and
// tells whether f had changed them.
func (p *proxy) restoring(m string, f func() error) (changed bool, err error) {
	names := []string{"go.mod", "go.sum"}
	before := make([][]byte, len(names))
	for i, name := range names {
		before[i], _ = os.ReadFile(filepath.Join(p.root, m, name))
	}
	err = f()
	for i, name := range names {
		path := filepath.Join(p.root, m, name)
		if after, _ := os.ReadFile(path); bytes.Equal(before[i], after) {
			continue
		}
		changed = true
		if before[i] == nil {
			_ = os.Remove(path)
		} else if werr := os.WriteFile(path, before[i], 0o644); werr != nil {
			return true, werr
		}
	}
	return changed, err
}

// dropSiblings removes this repository's modules from a go.sum.
func dropSiblings(dir string) error {
	path := filepath.Join(dir, "go.sum")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) { // a module without dependencies has none
		return nil
	}
	if err != nil {
		return err
	}
	var kept []byte
	for line := range bytes.Lines(data) {
		if !bytes.HasPrefix(line, []byte(prefix+"/")) && !bytes.HasPrefix(line, []byte(prefix+" ")) {
			kept = append(kept, line...)
		}
	}
	if len(kept) == 0 {
		return os.Remove(path)
	}
	return os.WriteFile(path, kept, 0o644)
}

// goCommand runs the go command against the proxy.
func (p *proxy) goCommand(dir string, env []string, args ...string) error {
	upstream, err := exec.Command("go", "env", "GOPROXY").Output()
	if err != nil {
		return err
	}
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), append(env,
		"GOWORK=off",
		// The go command indexes a version's files once, since versions do not
		// change. These do.
		"GODEBUG=goindex=0",
		"GOFLAGS=-mod=mod -modcacherw",
		"GOPROXY=file://"+filepath.ToSlash(p.dir)+","+strings.TrimSpace(string(upstream)),
		"GONOSUMDB="+prefix+","+prefix+"/*", "GONOSUMCHECK="+prefix+","+prefix+"/*",
		"GOMODCACHE="+p.cache)...)
	if args[0] == "mod" {
		cmd.Env = append(cmd.Env, "GOFLAGS=-modcacherw")
	}
	return cmd.Run()
}
