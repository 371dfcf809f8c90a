//go:build unix

package pass_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
)

// document is one whose damage [number] sees.
func document(n int) []byte {
	body := strconv.Itoa(n) + " " + strings.Repeat("x", 3000+n%7*1000)
	return fmt.Appendf(nil, "%s %08x", body, crc32.ChecksumIEEE([]byte(body)))
}

func number(data []byte) (int, error) {
	i := strings.LastIndexByte(string(data), ' ')
	if i < 0 || string(data[i+1:]) != fmt.Sprintf("%08x", crc32.ChecksumIEEE(data[:i])) {
		return 0, fmt.Errorf("damaged document of %d bytes", len(data))
	}
	first, _, _ := strings.Cut(string(data), " ")
	return strconv.Atoi(first)
}

// Two processes count together, and a third reads: no count is lost, and nobody
// sees half a document.
func TestTwoProcesses(t *testing.T) {
	r := place(t)
	reader := open(t, plugintest.InProcess, r)
	save(t, reader, "", string(document(0)))
	ctx, done := context.WithCancel(t.Context())
	const each = 6
	var counters, readers sync.WaitGroup
	for range 2 {
		s := open(t, plugintest.Executable, r)
		counters.Go(func() {
			for range each {
				if err := count(t.Context(), s); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	reads := 0
	readers.Go(func() {
		for ctx.Err() == nil {
			got, err := reader.Load(t.Context(), core.DefaultKey)
			if err == nil {
				_, err = number(got.Data)
			}
			if err != nil {
				t.Errorf("Load while others save: %v", err)
				return
			}
			reads++
		}
	})
	counters.Wait()
	done()
	readers.Wait()
	got, err := reader.Load(t.Context(), core.DefaultKey)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := number(got.Data); err != nil || n != 2*each || reads == 0 {
		t.Errorf("the count is %d after %d (%v), with %d reads", n, 2*each, err, reads)
	}
}

// count adds one to the stored number.
func count(ctx context.Context, s core.TokenStore) error {
	for {
		r, err := s.Load(ctx, core.DefaultKey)
		if err != nil {
			return err
		}
		n, err := number(r.Data)
		if err != nil {
			return err
		}
		_, err = s.Save(ctx, core.DefaultKey, core.Record{Data: document(n + 1), Revision: r.Revision})
		if !errors.Is(err, core.ErrConflict) {
			return err
		}
	}
}

// A Save that is given up while gpg writes leaves the old document, and the next
// Save and Delete put things in order.
func TestGivenUp(t *testing.T) {
	s := open(t, plugintest.InProcess, place(t))
	old := save(t, s, "", "old")
	real, err := exec.LookPath("gpg")
	if err != nil {
		t.Fatal(err)
	}
	bin, path := t.TempDir(), os.Getenv("PATH")
	halfway := filepath.Join(bin, "halfway")
	if err := syscall.Mkfifo(halfway, 0o600); err != nil {
		t.Fatal(err)
	}
	// It stops in the middle of what it writes to the file after -o.
	writeScript(t, filepath.Join(bin, "gpg"), `case " $* " in *" -e "*) ;; *) exec `+real+` "$@" ;; esac
for arg; do [ "$last" = -o ] && out=$arg; last=$arg; done
echo half >"$out"; echo >`+halfway+`; sleep 1000
`)
	t.Setenv("PATH", bin+":"+path)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := s.Save(ctx, core.DefaultKey, core.Record{Data: []byte("new"), Revision: old.Revision})
		failed <- err
	}()
	if _, err := os.ReadFile(halfway); err != nil { // waits for gpg to be there
		t.Fatal(err)
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("Save gives %v, want context.Canceled", err)
	}
	t.Setenv("PATH", path)
	if got, err := s.Load(t.Context(), core.DefaultKey); err != nil || string(got.Data) != "old" {
		t.Errorf("after a Save that was given up Load gives %q, %v", got.Data, err)
	}
	left := func() []string {
		names, _ := filepath.Glob(filepath.Join(filepath.Dir(core.Full(s).Path(core.DefaultKey)), ".*.gpg"))
		return names
	}
	if len(left()) != 1 {
		t.Errorf("there are the unfinished entries %q; the test tests nothing", left())
	}
	save(t, s, old.Revision, "newer")
	if len(left()) > 0 {
		t.Errorf("Save left %q", left())
	}
}

// What pass started ends with the context, however deep and however deaf it is.
func TestCancelEndsAll(t *testing.T) {
	r := place(t)
	s := open(t, plugintest.InProcess, r)
	save(t, s, "", "document")
	bin := t.TempDir()
	alive := filepath.Join(bin, "alive")
	if err := syscall.Mkfifo(alive, 0o600); err != nil {
		t.Fatal(err)
	}
	writeScript(t, filepath.Join(bin, "pass"), "exec 3>"+alive+"\n(trap '' TERM; echo started >&3; sleep 1000) &\nwait\n")
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := s.Load(ctx, core.DefaultKey)
		failed <- err
	}()
	f, err := os.Open(alive) // waits for pass to open it
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	line := make([]byte, len("started\n"))
	if _, err := io.ReadFull(f, line); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("Load gives %v, want context.Canceled", err)
	}
	// All of them have it open, until they end.
	if rest, err := io.ReadAll(f); err != nil || len(rest) > 0 {
		t.Errorf("read %q, %v", rest, err)
	}
}
