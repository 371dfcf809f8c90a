package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// load makes requests by several connections and returns how many a second, and how long
// the slowest of a hundred took.
func (r *role) load(d time.Duration) (rate float64, p99 time.Duration, err error) {
	return spread(d, func() (func() (time.Duration, error), func(), error) {
		c, err := r.dial()
		if err != nil {
			return nil, nil, err
		}
		return func() (time.Duration, error) { return c.ask("/", 1024) }, func() { _ = c.Close() }, nil
	})
}

// loadFresh is load with a connection for each request.
func (r *role) loadFresh(d time.Duration) (rate float64, p99 time.Duration, err error) {
	return spread(d, func() (func() (time.Duration, error), func(), error) {
		return func() (time.Duration, error) { return r.fetch("/", 1024) }, func() {}, nil
	})
}

// spread has several clients make requests for a time.
func spread(d time.Duration, client func() (ask func() (time.Duration, error), end func(), err error)) (rate float64, p99 time.Duration, err error) {
	var all sync.WaitGroup
	var mu sync.Mutex
	var times []time.Duration
	var failed error
	began := time.Now()
	for range proxyClients {
		all.Go(func() {
			var own []time.Duration
			ask, end, err := client()
			for err == nil && time.Since(began) < d {
				var took time.Duration
				if took, err = ask(); err == nil {
					own = append(own, took)
				}
			}
			if end != nil {
				end()
			}
			mu.Lock()
			defer mu.Unlock()
			times, failed = append(times, own...), cmp.Or(failed, err)
		})
	}
	all.Wait()
	took := time.Since(began)
	if failed != nil || len(times) == 0 {
		return 0, 0, cmp.Or(failed, errors.New("not one answer"))
	}
	slices.Sort(times)
	return float64(len(times)) / took.Seconds(), times[len(times)*99/100], nil
}

// fetch makes one request by a connection of its own.
func (r *role) fetch(path string, size int) (time.Duration, error) {
	c, err := r.dial()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	return c.ask(path, size)
}

// A connection is a client that does as little as possible.
type connection struct {
	net.Conn
	r       *bufio.Reader
	request string
}

func (r *role) dial() (*connection, error) {
	c, err := net.Dial("tcp", r.address)
	if err != nil {
		return nil, err
	}
	return &connection{c, bufio.NewReaderSize(c, 128<<10), r.request}, nil
}

// ask makes a request and reads an answer of which the size is known.
func (c *connection) ask(path string, size int) (time.Duration, error) {
	began := time.Now()
	if _, err := io.WriteString(c, "GET "+path+c.request); err != nil {
		return 0, err
	}
	status, err := c.r.ReadSlice('\n')
	if err != nil || !bytes.HasPrefix(status, []byte("HTTP/1.1 200")) {
		return 0, fmt.Errorf("answer %q: %w", status, err)
	}
	for len(status) > 2 {
		if status, err = c.r.ReadSlice('\n'); err != nil {
			return 0, err
		}
	}
	if _, err := c.r.Discard(size); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}
