package privatefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tokentoss/tokentoss/core/fault"
)

// A rule is what must be true of each step of a path.
type rule struct {
	links  bool // links of the user's and root's are followed
	dirs   bool // nobody else may exchange anything in a directory on the way
	sticky bool // the last directory may be one such as /tmp
}

var (
	editedRule  = rule{links: true, dirs: true}
	givenRule   = rule{links: true, dirs: true, sticky: true}
	programRule = rule{dirs: true}
	sourceRule  = rule{links: true}
	outputRule  = rule{links: true}
)

// maxLinks is how many links a path may have, as on Linux.
const maxLinks = 40

// A place is where a path leads.
type place struct {
	path string      // without links
	info fs.FileInfo // of what is there; nil if there is nothing
	link bool        // the path was another
	open bool        // it is a descriptor of this process, such as /dev/stdout
}

// A walk is a path that is being followed. Directories are checked before something
// is looked up in them: who cannot change them cannot exchange what is found.
type walk struct {
	rule  rule
	at    string   // the directory that was reached
	rest  []string // what is still to be looked up
	links int
}

// follow finds out where path leads.
func (r rule) follow(path string) (place, error) {
	if err := checkName(path); err != nil {
		return place{}, err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return place{}, cannotExamine(path, err)
	}
	w := &walk{rule: r}
	w.begin(abs)
	for len(w.rest) > 0 {
		name := w.rest[0]
		w.rest = w.rest[1:]
		if name == ".." {
			w.at = filepath.Dir(w.at)
			continue
		}
		if p, err := w.look(filepath.Join(w.at, name)); err != nil || p.path != "" {
			return p, err
		}
	}
	info, err := os.Lstat(w.at)
	if err != nil {
		return place{}, cannotExamine(w.at, err)
	}
	return w.place(w.at, info), nil
}

func (w *walk) place(path string, info fs.FileInfo) place {
	return place{path: path, info: info, link: w.links > 0}
}

// begin goes to the root of an absolute path.
func (w *walk) begin(abs string) {
	w.at = filepath.VolumeName(abs) + string(filepath.Separator)
	w.push(abs[len(w.at)-1:])
}

// push puts the names of a path before the rest.
func (w *walk) push(path string) {
	names := strings.FieldsFunc(path, func(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) })
	var list []string
	for _, name := range names {
		if name != "." {
			list = append(list, name)
		}
	}
	w.rest = append(list, w.rest...)
}

// look looks up one step. The place is empty if there are more.
func (w *walk) look(next string) (place, error) {
	last := len(w.rest) == 0
	if w.rule.dirs {
		if err := checkStep(w.at, w.rule.sticky || !last); err != nil {
			return place{}, err
		}
	}
	info, err := os.Lstat(next)
	switch {
	case errors.Is(err, fs.ErrNotExist) && last:
		return w.place(next, nil), nil
	case errors.Is(err, fs.ErrNotExist):
		return place{}, &fault.Error{Subject: next, Kind: fault.NotFound, Err: reason(err)}
	case err != nil:
		return place{}, cannotExamine(next, err)
	case isLink(info) && !w.rule.dirs && isDescriptor(next):
		info, err := os.Stat(next)
		return place{path: next, info: info, open: true}, err
	case isLink(info):
		return place{}, w.link(next, info)
	case last:
		return w.place(next, info), nil
	case !info.IsDir():
		return place{}, cannotOpen(next, syscall.ENOTDIR)
	}
	w.at = next
	return place{}, nil
}

// link follows a link.
func (w *walk) link(path string, info fs.FileInfo) error {
	if !w.rule.links {
		return insecure(path, "it is a symbolic link", fault.MoveAway.On(path))
	}
	if err := checkOwner(path, info); err != nil {
		return err
	}
	if w.links++; w.links > maxLinks {
		return &fault.Error{Subject: path, Kind: fault.BadConfig, Problem: "too many symbolic links, perhaps in a circle", Remedy: fault.CorrectFile.On(path)}
	}
	target, err := os.Readlink(path)
	if err != nil {
		return cannotExamine(path, err)
	}
	if filepath.IsAbs(target) {
		w.begin(target)
	} else {
		w.push(target)
	}
	return nil
}

// isDescriptor tells whether path is what Linux has for a descriptor that is open,
// and /dev/stdout and /dev/fd/N lead to. It looks like a link, and is none.
func isDescriptor(path string) bool {
	return strings.HasPrefix(path, "/proc/") && filepath.Base(filepath.Dir(path)) == "fd"
}

// checkStep checks a directory on the way. sticky allows one in which others may
// make files of their own, and not exchange any.
func checkStep(dir string, sticky bool) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return cannotExamine(dir, err)
	}
	if err := checkOwner(dir, info); err != nil {
		return err
	}
	return checkUnwritable(dir, info, sticky)
}

// open opens the regular file to which path leads by the rule, if nobody but the user
// and root can have written it.
func (r rule) open(path string) (*os.File, place, error) {
	p, err := r.follow(path)
	if err != nil {
		return nil, p, err
	}
	if p.info == nil {
		return nil, p, notFound(p.path)
	}
	if kind := notFile(p.info); kind != "" {
		return nil, p, notRegular(p.path, kind, fault.CorrectFile.On(path))
	}
	f, err := openRead(p.path)
	if err != nil {
		return nil, p, whyNotOpen(p.path, err)
	}
	p.info, err = f.Stat() // of what is open, whatever was there before
	switch {
	case err != nil:
		err = cannotExamine(p.path, err)
	case notFile(p.info) != "":
		err = notRegular(p.path, notFile(p.info), fault.CorrectFile.On(path))
	default:
		err = checkWriters(p)
	}
	if err != nil {
		f.Close()
		return nil, p, err
	}
	return f, p, nil
}

// checkWriters refuses what somebody else than the user and root can write.
func checkWriters(p place) error {
	if err := checkOwner(p.path, p.info); err != nil {
		return err
	}
	return checkUnwritable(p.path, p.info, false)
}

// load reads what open opens.
func (r rule) load(path string) ([]byte, place, error) {
	f, p, err := r.open(path)
	if err != nil {
		return nil, p, err
	}
	defer f.Close()
	if p.info.Size() > MaxSize {
		return nil, p, tooLarge(p.path, p.info.Size())
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	switch {
	case err != nil:
		return nil, p, cannotRead(p.path, err)
	case len(data) > MaxSize: // as files of /proc, which say that they are empty
		return nil, p, tooLarge(p.path, int64(len(data)))
	}
	return data, p, nil
}

// notFile says what info is of if not of a regular file.
func notFile(info fs.FileInfo) string {
	switch t := info.Mode().Type(); {
	case t == 0:
		return ""
	case t&fs.ModeDir != 0:
		return "a directory"
	case t&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case t&fs.ModeSocket != 0:
		return "a socket"
	case t&fs.ModeSymlink != 0:
		return "a symbolic link"
	}
	return "a device"
}

// CheckProgram refuses an executable that somebody else than the user and root may
// have changed, or can change before it is run, as sshd does with authorized_keys
// (sshd(8), StrictModes): no link, and nobody else may write it or a directory
// above it. Its path is absolute and in its shortest form.
func CheckProgram(path string) error {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return insecure(path, "it is not an absolute path in its shortest form", fault.Remedy{})
	}
	p, err := programRule.follow(path)
	switch {
	case err != nil:
		return err
	case p.info == nil:
		return notFound(path)
	case notFile(p.info) != "":
		return notRegular(path, notFile(p.info), fault.Remedy{})
	}
	return checkWriters(p)
}

// OpenProgram opens an executable that a person wants to have copied. It may be a link,
// and anywhere, but nobody else may write it.
func OpenProgram(path string) (*os.File, error) {
	f, _, err := sourceRule.open(path)
	return f, err
}

// modeText says a mode in an error.
func modeText(info fs.FileInfo) string { return fmt.Sprintf("mode %04o", info.Mode().Perm()) }
