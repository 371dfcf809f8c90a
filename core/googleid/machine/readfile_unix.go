//go:build unix

package machine

import (
	"io"
	"os"
	"syscall"
)

// readUnwritable reads a file that others may read and nobody else may write.
func readUnwritable(path string) ([]byte, bool) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o022 != 0 {
		return nil, false
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != 0 && int(st.Uid) != os.Getuid() {
		return nil, false
	}
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	return data, err == nil && len(data) <= maxConfig
}

// maxConfig is the size of the largest configuration, in bytes.
const maxConfig = 1 << 20
