package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxSocketBase is how long the directory of the sockets' directories may be: a
// socket's path has 108 bytes at most, on macOS 104, and the library takes 50.
const maxSocketBase = 50

// socketDir makes a private directory for the socket of one plugin, in one of the
// user's. The name begins with this process's number, so that what a process that
// was killed left behind is removed by the next.
func socketDir() (string, error) {
	base, err := runtimeDir()
	if err != nil {
		return "", err
	}
	sweep(base)
	return os.MkdirTemp(base, strconv.Itoa(os.Getpid())+"-")
}

// runtimeDir returns the user's own directory for what lives no longer than the
// user is logged in: in the system's place for that, or in the one for temporary
// files.
func runtimeDir() (string, error) {
	own := fmt.Sprintf("tokentoss-%d", os.Getuid())
	var last error
	for _, dir := range []string{
		filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "tokentoss"), filepath.Join(os.TempDir(), own), filepath.Join(shortTemp, own),
	} {
		if !filepath.IsAbs(dir) || len(dir) > maxSocketBase {
			continue
		}
		if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
			last = fmt.Errorf("%s: %w", dir, bare(err))
			continue
		}
		info, err := os.Lstat(dir)
		switch {
		case err != nil:
			return "", fmt.Errorf("%s: %w", dir, bare(err))
		case !info.IsDir():
			return "", &TrustError{Path: dir, Problem: "it is no directory", Fix: "remove it"}
		}
		return dir, checkOwn(dir, info)
	}
	return "", last
}

// sweep removes the directories of processes that are no more. What cannot be
// removed now will be another time.
func sweep(base string) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return
	}
	for _, e := range entries {
		number, _, _ := strings.Cut(e.Name(), "-")
		if pid, err := strconv.Atoi(number); err == nil && e.IsDir() && !alive(pid) {
			_ = os.RemoveAll(filepath.Join(base, e.Name()))
		}
	}
}

func removeSocketDir(dir string) { _ = os.RemoveAll(dir) }
