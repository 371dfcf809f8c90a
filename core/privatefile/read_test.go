//go:build unix

package privatefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// readers read a file by each of the rules.
var readers = map[string]func(string) ([]byte, error){
	"ours": func(path string) ([]byte, error) {
		data, _, err := privatefile.Read(path)
		return data, err
	},
	"edited": privatefile.ReadEdited,
	"given": func(path string) ([]byte, error) {
		g, err := privatefile.ReadGiven(path)
		return g.Data, err
	},
}

// TestStrangersAreRefused: what is no regular file of the user's, or what others can
// write, is refused by each rule, at once.
func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	for name, read := range readers {
		for _, s := range strangers() {
			t.Run(name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "f")
				s.make(t, path)
				kind := s.kind
				if kind == fault.Corrupt && name != "ours" {
					kind = fault.BadConfig // what a person names is not a damaged session
				}
				wantRefused(t, inTime(t, func() error { _, err := read(path); return err }), kind, path)
			})
		}
	}
}

// TestNames: a name that no file can have is refused, and none is found by it.
func TestNames(t *testing.T) {
	t.Parallel()
	for name, read := range readers {
		for _, path := range []string{"", "a\x00b", filepath.Join(t.TempDir(), "x\x00")} {
			if _, err := read(path); err == nil || errors.Is(err, fault.NotFound) {
				t.Errorf("%s: reading %q: error %v, want that it is no name", name, path, err)
			}
		}
		if _, err := read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: reading nothing: error %v, want fault.NotFound", name, err)
		}
	}
}

// TestOursIsPrivate: what others could read, or have another name of, is refused, and
// so is any link.
func TestOursIsPrivate(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, path string){
		"group can read": func(t *testing.T, path string) { must(t, os.Chmod(path, 0o640)) },
		"all can read":   func(t *testing.T, path string) { must(t, os.Chmod(path, 0o604)) },
		"hard link":      func(t *testing.T, path string) { must(t, os.Link(path, path+".other")) },
		"own link": func(t *testing.T, path string) {
			must(t, os.Rename(path, path+".real"))
			link(t, path+".real", path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := write(t, filepath.Join(t.TempDir(), "f"), "secret", 0o600)
			spoil(t, path)
			_, _, err := privatefile.Read(path)
			wantRefused(t, err, fault.Insecure, path)
		})
	}
}

// TestReadableByAll: what a person edits, or a platform gives, may be readable by all.
func TestReadableByAll(t *testing.T) {
	t.Parallel()
	path := write(t, filepath.Join(t.TempDir(), "f"), "text", 0o644)
	must(t, os.Link(path, path+".other"))
	for _, name := range []string{"edited", "given"} {
		if got, err := readers[name](path); err != nil || string(got) != "text" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestDirectoriesAbove: who can write a directory can exchange what is in it.
func TestDirectoriesAbove(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, outer, inner string){
		"group can write inner": func(t *testing.T, _, inner string) { must(t, os.Chmod(inner, 0o770)) },
		"all can write inner":   func(t *testing.T, _, inner string) { must(t, os.Chmod(inner, 0o777)) },
		"group can write outer": func(t *testing.T, outer, _ string) { must(t, os.Chmod(outer, 0o770)) },
		"all can write outer":   func(t *testing.T, outer, _ string) { must(t, os.Chmod(outer, 0o707)) },
		"inner is another's":    func(t *testing.T, _, inner string) { other(t, inner) },
		"outer is another's":    func(t *testing.T, outer, _ string) { other(t, outer) },
		"outer is another's link": func(t *testing.T, outer, _ string) {
			must(t, os.Rename(outer, outer+".real"))
			other(t, link(t, outer+".real", outer))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outer := dir(t, filepath.Join(t.TempDir(), "outer"), 0o700)
			inner := dir(t, filepath.Join(outer, "inner"), 0o700)
			path := write(t, filepath.Join(inner, "f"), "text", 0o600)
			spoil(t, outer, inner)
			for _, rule := range []string{"edited", "given"} {
				_, err := readers[rule](path)
				wantRefused(t, err, fault.Insecure, outer)
			}
			if _, err := privatefile.ReadEdited(filepath.Join(inner, "none")); !errors.Is(err, fault.NotFound) {
				t.Errorf("where there is no file: error %v, want fault.NotFound", err)
			}
		})
	}
}

// TestSticky: in a directory such as /tmp nobody can exchange what is another's. Further
// up that is fine for all, and directly for what a platform gives, whose secret volumes
// are such directories.
func TestSticky(t *testing.T) {
	t.Parallel()
	outer := dir(t, filepath.Join(t.TempDir(), "outer"), 0o777|fs.ModeSticky)
	inner := dir(t, filepath.Join(outer, "inner"), 0o700)
	direct := write(t, filepath.Join(outer, "f"), "text", 0o600)
	below := write(t, filepath.Join(inner, "f"), "text", 0o600)
	for path, want := range map[string]map[string]bool{below: {"edited": true, "given": true}, direct: {"edited": false, "given": true}} {
		for rule, ok := range want {
			if _, err := readers[rule](path); (err == nil) != ok {
				t.Errorf("%s: reading %s: error %v, want success: %t", rule, path, err, ok)
			}
		}
	}
	other(t, write(t, filepath.Join(outer, "theirs"), "text", 0o644))
	_, err := privatefile.ReadGiven(filepath.Join(outer, "theirs"))
	wantRefused(t, err, fault.Insecure, outer)
}

// TestSecretVolume reads a secret as Kubernetes mounts it: two links, in a directory
// that all can write with the sticky bit, and the file readable by all.
func TestSecretVolume(t *testing.T) {
	t.Parallel()
	volume := dir(t, filepath.Join(t.TempDir(), "secrets"), 0o777|fs.ModeSticky)
	dir(t, filepath.Join(volume, "..2026_11_30"), 0o755)
	write(t, filepath.Join(volume, "..2026_11_30", "key.json"), "key", 0o644)
	link(t, "..2026_11_30", filepath.Join(volume, "..data"))
	path := link(t, "..data/key.json", filepath.Join(volume, "key.json"))
	wantSecret(t, path, "key")
}

func wantSecret(t *testing.T, path, want string) {
	t.Helper()
	g, err := privatefile.ReadGiven(path)
	must(t, err)
	if got, err := g.Secret(); err != nil || string(got) != want {
		t.Errorf("Secret gives %q, %v, want %q", got, err, want)
	}
}

// TestSecretOfThePlatform: what root gives an unprivileged user may be readable by
// others, and so may what the user cannot write.
func TestSecretOfThePlatform(t *testing.T) {
	if !asNobody(t) {
		return
	}
	g, err := privatefile.ReadGiven("/etc/passwd")
	must(t, err)
	if _, err := g.Secret(); err != nil {
		t.Errorf("a file of root's that all can read: %v", err)
	}
	wantSecret(t, write(t, filepath.Join(t.TempDir(), "f"), "key", 0o444), "key")
	wantSecret(t, write(t, filepath.Join(t.TempDir(), "f"), "key", 0o440), "key")
}

// TestSecretOfOnesOwn: the user's own file is to be private, since the user can see to
// that.
func TestSecretOfOnesOwn(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o644} {
		path := write(t, filepath.Join(t.TempDir(), "f"), "key", mode)
		g, err := privatefile.ReadGiven(path)
		must(t, err)
		_, err = g.Secret()
		wantRefused(t, err, fault.Insecure, path)
		must(t, os.Chmod(path, 0o600)) // which is the remedy
		wantSecret(t, path, "key")
	}
}

// TestLinksOfOnesOwn: files that stow and home-manager manage are links, of files and of
// directories, relative and absolute.
func TestLinksOfOnesOwn(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	dir(t, filepath.Join(home, "dotfiles"), 0o755)
	dir(t, filepath.Join(home, "dotfiles", "tokentoss"), 0o755)
	write(t, filepath.Join(home, "dotfiles", "tokentoss", "f"), "text", 0o644)
	dir(t, filepath.Join(home, ".config"), 0o755)
	link(t, "../dotfiles/tokentoss", filepath.Join(home, ".config", "tokentoss"))
	link(t, filepath.Join(home, "dotfiles", "tokentoss", "f"), filepath.Join(home, "absolute"))
	link(t, "./.config//tokentoss/../tokentoss/f", filepath.Join(home, "relative"))
	for _, path := range []string{".config/tokentoss/f", "absolute", "relative"} {
		for _, rule := range []string{"edited", "given"} {
			if got, err := readers[rule](filepath.Join(home, path)); err != nil || string(got) != "text" {
				t.Errorf("%s: %s: %q, %v", rule, path, got, err)
			}
		}
	}
}

// TestCheckProgram: an executable is no link and under no link, and nobody else can
// write it or anything above it.
func TestCheckProgram(t *testing.T) {
	t.Parallel()
	for _, s := range strangers() {
		if s.kind == fault.TooLarge {
			continue // executables are large
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "f")
			s.make(t, path)
			if err := inTime(t, func() error { return privatefile.CheckProgram(path) }); err == nil {
				t.Error("no error")
			}
		})
	}
	base := t.TempDir()
	inner := dir(t, filepath.Join(base, "inner"), 0o700)
	path := write(t, filepath.Join(inner, "f"), "x", 0o755)
	must(t, privatefile.CheckProgram(path))
	for name, path := range map[string]string{
		"link":           link(t, path, filepath.Join(base, "link")),
		"link above":     filepath.Join(link(t, inner, filepath.Join(base, "dir")), "f"),
		"not shortest":   inner + "/../inner/f",
		"not absolute":   "f",
		"does not exist": filepath.Join(inner, "none"),
	} {
		if err := privatefile.CheckProgram(path); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestExchangedMeanwhile: what is checked is what is read, whatever is put in its place
// between the two.
func TestExchangedMeanwhile(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	path := filepath.Join(base, "f")
	other(t, write(t, filepath.Join(base, "theirs"), "theirs", 0o644))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			temp := filepath.Join(base, "next")
			switch i % 3 {
			case 0:
				_ = os.WriteFile(temp, []byte("mine"), 0o600)
			case 1:
				_ = os.Symlink(filepath.Join(base, "theirs"), temp)
			case 2:
				_ = os.Link(filepath.Join(base, "theirs"), temp)
			}
			_ = os.Rename(temp, path)
		}
	}()
	for range 3000 {
		for name, read := range readers {
			if got, err := read(path); err == nil && string(got) != "mine" && len(got) > 0 {
				t.Fatalf("%s: read %q", name, got)
			}
		}
	}
	close(stop)
	<-done
}
