package cli

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/profile"
)

// A store of one file, that breaks connections off.
type fileServer struct {
	data     []byte
	etag     string
	ranges   bool
	breakAt  int // of the whole; 0 is nowhere
	status   int // of an error, or 0
	requests []*http.Request
}

func (s *fileServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests = append(s.requests, r.Clone(context.Background()))
	if s.status != 0 {
		http.Error(w, "the error page", s.status)
		return
	}
	h, from := w.Header(), 0
	h.Set("ETag", s.etag)
	status := http.StatusOK
	if s.ranges {
		h.Set("Accept-Ranges", "bytes")
		first, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes=")
		if n, err := strconv.Atoi(strings.TrimSuffix(first, "-")); ok && err == nil && r.Header.Get("If-Range") == s.etag {
			if n >= len(s.data) {
				http.Error(w, "no such range", http.StatusRequestedRangeNotSatisfiable)
				return
			}
			from, status = n, http.StatusPartialContent
			h.Set("Content-Range", "bytes "+strconv.Itoa(n)+"-"+strconv.Itoa(len(s.data)-1)+"/"+strconv.Itoa(len(s.data)))
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(s.data)-from))
	w.WriteHeader(status)
	to := len(s.data)
	if s.breakAt > from {
		to = s.breakAt
	}
	_, _ = w.Write(s.data[from:to])
	if to < len(s.data) {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// download is "tokentoss get URL -o FILE", without a session.
func download(t *testing.T, url, file string) (*http.Response, error) {
	t.Helper()
	set := flag.NewFlagSet("get", flag.ContinueOnError)
	set.String("output", file, "")
	in := &Invocation{Context: cli.NewContext(nil, set, nil), Stdout: io.Discard, Stderr: io.Discard}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return in.fetch(t.Context(), &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, req)
}

// files are those of a directory, by name.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".lock") {
			names = append(names, e.Name())
		}
	}
	return names
}

// A file is replaced when the answer is whole, and otherwise stays as it was. What
// broke off is continued by the same command, where the service allows that and the
// content is still the same.
func TestDownload(t *testing.T) {
	config := t.TempDir()
	t.Setenv(profile.EnvConfigDir, config)
	server := &fileServer{data: bytes.Repeat([]byte("0123456789"), 100_000), etag: `"one"`, ranges: true}
	s := httptest.NewServer(server)
	defer s.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	want := func(text []byte, left int) {
		t.Helper()
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("the file has %d bytes, %v; want %d", len(got), err, len(text))
		}
		if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
			t.Errorf("its mode is %v", info.Mode())
		}
		if names := files(t, dir); len(names) != 1+left {
			t.Errorf("the directory has %q", names)
		}
		if names := files(t, filepath.Join(config, "downloads")); len(names) != left {
			t.Errorf("known of downloads: %q", names)
		}
	}
	last := func() *http.Request { return server.requests[len(server.requests)-1] }

	// 1. An error page does not replace the file.
	write("before")
	server.status = http.StatusNotFound
	if res, err := download(t, s.URL, file); err != nil || res.StatusCode != http.StatusNotFound {
		t.Fatalf("%v, %v", res, err)
	}
	want([]byte("before"), 0)

	// 2. Half an answer does not either, and is kept to be continued.
	server.status, server.breakAt = 0, 400_000
	if _, err := download(t, s.URL, file); err == nil || !strings.Contains(hintFor(err), "it goes on after the 0.4 MB") {
		t.Fatalf("%v, hint %q", err, hintFor(err))
	}
	want([]byte("before"), 1)

	// 3. It breaks off again; an error meanwhile changes nothing.
	server.breakAt = 700_000
	if _, err := download(t, s.URL, file); err == nil || last().Header.Get("Range") != "bytes=400000-" || last().Header.Get("If-Range") != `"one"` {
		t.Fatalf("%v, asked for %v", err, last().Header)
	}
	server.status = http.StatusBadGateway
	if _, err := download(t, s.URL, file); err != nil {
		t.Fatal(err)
	}
	want([]byte("before"), 1)

	// 4. Then it is whole.
	server.status, server.breakAt = 0, 0
	if _, err := download(t, s.URL, file); err != nil || last().Header.Get("Range") != "bytes=700000-" {
		t.Fatalf("%v, asked for %v", err, last().Header)
	}
	want(server.data, 0)

	// 5. Of other content than before, nothing is continued.
	server.breakAt = 400_000
	if _, err := download(t, s.URL, file); err == nil {
		t.Fatal("what broke off is whole")
	}
	server.breakAt, server.etag, server.data = 0, `"two"`, []byte("another, shorter one")
	if _, err := download(t, s.URL, file); err != nil {
		t.Fatal(err)
	}
	want(server.data, 0)

	// 6. Nothing is kept where the service promises nothing.
	write("before")
	for _, promise := range []fileServer{{etag: `W/"weak"`, ranges: true}, {etag: "", ranges: true}, {etag: `"three"`}} {
		server.etag, server.ranges, server.data, server.breakAt = promise.etag, promise.ranges, []byte("0123456789"), 5
		if _, err := download(t, s.URL, file); err == nil {
			t.Fatal("what broke off is whole")
		}
		want([]byte("before"), 0)
	}
}

// A service that goes on at another place than was asked for is not believed.
func TestDownloadThatDoesNotContinue(t *testing.T) {
	t.Setenv(profile.EnvConfigDir, t.TempDir())
	server := &fileServer{data: []byte("0123456789"), etag: `"one"`, ranges: true, breakAt: 5}
	liar := false
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if liar {
			w.Header().Set("Content-Range", "bytes 2-9/10")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write([]byte("23456789"))
			return
		}
		server.ServeHTTP(w, r)
	}))
	defer s.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if _, err := download(t, s.URL, file); err == nil {
		t.Fatal("what broke off is whole")
	}
	liar = true
	if _, err := download(t, s.URL, file); err == nil {
		t.Error("it is believed")
	}
	if names := files(t, dir); len(names) != 0 {
		t.Errorf("left: %q", names)
	}
	liar, server.breakAt = false, 0
	if _, err := download(t, s.URL, file); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "0123456789" {
		t.Errorf("%q, %v", got, err)
	}
}
