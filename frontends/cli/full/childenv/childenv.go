// Package childenv makes the environment in which programs, unchanged, send their
// requests through the forward proxy of a run, and trust its certificate authority.
//
// Each program has a variable of its own for that, and some want a file. What a variable
// named before still counts: the file that takes its place has its certificates, or else
// those that the program trusts by itself, and the run's root.
package childenv

import (
	"bytes"
	"cmp"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/tokentoss/tokentoss/plugins/environment"
)

// A Run is what programs are led to.
type Run struct {
	Environ []string   // the person's own, as of os.Environ
	Proxy   string     // the URL of the forward proxy, with its credential
	Targets []*url.URL // what must go through the proxy
	Dir     string     // an empty private directory for files
	Java    string     // HOST:PORT of a proxy that wants no credential; empty: there is none
	Roots   *Roots     // what programs are to trust
}

// Roots are the certificate of a run's authority, and those that programs trust by
// themselves.
type Roots struct {
	run             []byte
	system, mozilla func() []byte
	java            func() javaStore
}

// ReadRoots begins to read them, which is most of what there is to do. environ is the
// person's own environment, and run the authority's certificate in PEM. The goroutines
// that read end when they have.
func ReadRoots(environ []string, run []byte) *Roots {
	r := &Roots{
		run: run, system: sync.OnceValue(systemRoots), mozilla: sync.OnceValue(mozillaRoots),
		java: sync.OnceValue(func() javaStore { return makeJava(environ, run) }),
	}
	go r.java()
	go func() { r.system(); r.mozilla() }()
	return r
}

// Variables are those of a command beside what it inherits.
type Variables struct {
	Set map[string]string

	// Notes say what was left out of the person's own.
	Notes []string
}

// A builder makes the variables of a run.
type builder struct {
	Run
	Variables
	files  files
	byPath map[string][]byte // certificates of files
}

// Build makes the variables, and their files. An error is of a file that a variable names.
func Build(run Run) (*Variables, error) {
	b := &builder{Run: run, Variables: Variables{Set: make(map[string]string)}, files: files{dir: run.Dir}, byPath: make(map[string][]byte)}
	b.proxies()
	for _, step := range []func() error{b.bundles, b.wget, b.php, b.r, b.java} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return &b.Variables, nil
}

// get returns the person's own value.
func (b *builder) get(name string) string { return valueIn(b.Environ, name) }

// valueIn returns the value of a variable.
func valueIn(environ []string, name string) string {
	for _, e := range slices.Backward(environ) { // the last one counts
		if variable, value, _ := strings.Cut(e, "="); environment.Is(variable, name) {
			return value
		}
	}
	return ""
}

// files are those of a run, each content once.
type files struct {
	dir  string
	made []file
}

// A file has some texts, which are too large to be put together in memory first.
type file struct {
	path  string
	texts [][]byte
}

// put writes a file and returns its path.
func (f *files) put(name string, texts ...[]byte) (string, error) {
	for _, made := range f.made {
		if slices.EqualFunc(made.texts, texts, bytes.Equal) {
			return made.path, nil
		}
	}
	path := f.dir + string(os.PathSeparator) + name
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	for _, text := range texts {
		_, failed := out.Write(text)
		err = cmp.Or(err, failed)
	}
	if err = cmp.Or(err, out.Close()); err != nil {
		return "", err
	}
	f.made = append(f.made, file{path, texts})
	return path, nil
}
