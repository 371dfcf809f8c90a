//go:build !race

package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// bare answers every request on its connections with 1 KB, without allocating, so
// that what is counted is the proxy's.
func bare(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n" + strings.Repeat("x", 1024))
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 16<<10)
				n := 0
				for {
					m, err := c.Read(buf[n:])
					if err != nil {
						return
					}
					if n += m; bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
						n = 0
						if _, err := c.Write(answer); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// A request costs at most 70 allocations and 7 KB in all, which takes pooled buffers and
// connections that are kept. All but seven are those of a handler of net/http with a
// transport of net/http.
func TestAllocationsOfARequest(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the figure is that of Linux; package net allocates more here")
	}
	w := start(t, &ada{}, proxy.Config{Targets: []string{bare(t)}}, proxy.Options{})
	c, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	request := fmt.Appendf(nil, "GET /some/path?q=1 HTTP/1.1\r\nHost: %s\r\nUser-Agent: curl/8.0\r\nAccept: */*\r\nTokentoss-Secret: %s\r\n\r\n",
		strings.TrimPrefix(w.URL, "http://"), w.Secret.Reveal())
	r := bufio.NewReaderSize(c, 16<<10)
	do := func(n int) {
		for range n {
			if _, err := c.Write(request); err != nil {
				t.Fatal(err)
			}
			status, err := r.ReadSlice('\n')
			if err != nil || !bytes.HasPrefix(status, []byte("HTTP/1.1 200")) {
				t.Fatalf("%q %v", status, err)
			}
			for {
				line, err := r.ReadSlice('\n')
				if err != nil {
					t.Fatal(err)
				}
				if len(line) == 2 {
					break
				}
			}
			if _, err := r.Discard(1024); err != nil {
				t.Fatal(err)
			}
		}
	}
	do(500)
	const n = 5000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do(n)
	runtime.ReadMemStats(&after)
	allocs := float64(after.Mallocs-before.Mallocs) / n
	size := float64(after.TotalAlloc-before.TotalAlloc) / n
	t.Logf("%.1f allocations, %.0f bytes a request", allocs, size)
	if allocs > 70 || size > 7<<10 {
		t.Errorf("%.1f allocations and %.0f bytes a request; at most 70 and %d", allocs, size, 7<<10)
	}
}
