// Package childenv makes the environment in which programs, unchanged, send their
// requests through the forward proxy of a run, and trust its certificate authority.
//
// Each program has a variable of its own for that, and some want a file. What a variable
// named before still counts: the file that takes its place has its certificates, or else
// those that the program trusts by itself, and the run's root.
package childenv

import (
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
	Root    []byte     // the certificate of the run's authority, in PEM
	Targets []*url.URL // what must go through the proxy
	Dir     string     // an empty private directory for files
	Java    string     // HOST:PORT of a proxy that wants no credential; empty: there is none
	Roots   *Roots     // what [ReadRoots] reads; nil: it is read then
}

// Roots are the certificates that programs trust by themselves.
type Roots struct {
	system, mozilla func() string
	java            func() javaRoots
}

// ReadRoots begins to read them, which is most of what there is to do. environ is the
// person's own environment. The goroutines that read end when they have.
func ReadRoots(environ []string) *Roots {
	r := &Roots{
		system: sync.OnceValue(systemRoots), mozilla: sync.OnceValue(mozillaRoots),
		java: sync.OnceValue(func() javaRoots { return readJava(environ) }),
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
	byPath map[string]string // certificates of files
}

// Build makes the variables, and their files. An error is of a file that a variable names.
func Build(run Run) (*Variables, error) {
	b := &builder{Run: run, Variables: Variables{Set: make(map[string]string)}, files: files{dir: run.Dir}, byPath: make(map[string]string)}
	if b.Roots == nil {
		b.Roots = ReadRoots(run.Environ)
	}
	b.proxies()
	var options, note string
	var javaErr error
	var beside sync.WaitGroup
	beside.Go(func() { options, note, javaErr = b.java() })
	var err error
	for _, step := range []func() error{b.bundles, b.wget, b.php, b.r} {
		if err = step(); err != nil {
			break
		}
	}
	if beside.Wait(); err != nil || javaErr != nil {
		return nil, cmp.Or(err, javaErr)
	}
	if options != "" {
		b.Set[javaOptions] = options
	}
	if note != "" {
		b.Notes = append(b.Notes, note)
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
	dir    string
	byText map[string]string
}

// put writes a file and returns its path.
func (f *files) put(name, text string) (string, error) {
	if path, ok := f.byText[text]; ok {
		return path, nil
	}
	path := f.dir + string(os.PathSeparator) + name
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return "", err
	}
	if f.byText == nil {
		f.byText = make(map[string]string)
	}
	f.byText[text] = path
	return path, nil
}
