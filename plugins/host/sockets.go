package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tokentoss/tokentoss/core/privatefile"
)

// socketDir makes a private directory for the socket of one plugin, in one of the
// user's. The name begins with this process's number, so that what a process that
// was killed left behind is removed by the next.
func socketDir() (string, error) {
	base, err := privatefile.RuntimeDir()
	if err != nil {
		return "", err
	}
	sweep(base)
	return os.MkdirTemp(base, strconv.Itoa(os.Getpid())+"-")
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
