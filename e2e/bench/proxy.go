package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// proxyRounds is how often the proxies take turns, for proxyTurn each.
	proxyRounds = 7
	proxyTurn   = time.Second

	// proxyClients are the connections that requests come by.
	proxyClients = 16

	// download is the size of a large body.
	download = 500 << 20

	// growth is what a download may add to the memory of the proxy, in MiB.
	growth = 16
)

// reverseProxies compares the proxy with the one of the standard library as it is,
// and with nginx where that is installed: requests for 1 KB by 16 connections, and
// one large download. Proxies and service are processes of their own, so that
// what this one does as their client is no part of them.
func reverseProxies(int) ([]row, error) {
	service, err := startRole("service")
	if err != nil {
		return nil, err
	}
	defer service.stop()
	var contenders []*role
	for _, name := range []string{"ours", "stock"} {
		r, err := startRole(name, service.address)
		if err != nil {
			return nil, err
		}
		defer r.stop()
		contenders = append(contenders, r)
	}
	nginx, err := startNginx(service.address)
	if err != nil {
		return nil, err
	}
	if nginx != nil {
		defer nginx.stop()
		contenders = append(contenders, nginx)
	}
	rows, err := throughput(append(contenders, service))
	if err != nil {
		return nil, err
	}
	open, err := startRole("ours-open", service.address)
	if err != nil {
		return nil, err
	}
	defer open.stop()
	fresh, err := connections(append(contenders, open))
	if err != nil {
		return nil, err
	}
	more, err := downloads(service)
	return append(append(rows, fresh...), more...), err
}

// throughput compares requests a second, and how long the slowest of a hundred takes.
func throughput(contenders []*role) ([]row, error) {
	rates, slow, err := race(contenders, proxyRounds, (*role).load)
	if err != nil {
		return nil, err
	}
	ours, stock, direct := middle(rates["ours"]), middle(rates["stock"]), middle(rates["service"])
	label := fmt.Sprintf("proxy, %d clients, 1 KB: ", proxyClients)
	rows := []row{
		{name: label + "requests/s against a stock ReverseProxy", ratio: ours / stock, budget: -2, unit: "x", detail: fmt.Sprintf("%.0f against %.0f, without a proxy %.0f", ours, stock, direct)},
	}
	if nginx := rates["nginx"]; nginx != nil {
		rows = append(rows,
			row{name: label + "requests/s against nginx", ratio: ours / middle(nginx), budget: -0.6, unit: "x", detail: fmt.Sprintf("%.0f against %.0f", ours, middle(nginx))},
			row{name: label + "99th of 100 against nginx", ratio: middle(slow["ours"]) / middle(slow["nginx"]), budget: 2, unit: "x", detail: fmt.Sprintf("%.1f ms against %.1f ms", middle(slow["ours"]), middle(slow["nginx"]))})
	}
	return rows, nil
}

// closing is how many sockets in TIME_WAIT stand beside those of the second comparison.
const closing = 10_000

// connections compares requests that each come by a connection of their own: with the
// secret, and without one, where it is the kernel that says whose a connection is.
func connections(contenders []*role) ([]row, error) {
	var rows []row
	for _, beside := range []int{0, closing} {
		if err := timeWait(beside); err != nil {
			return nil, err
		}
		rates, _, err := race(contenders, 3, (*role).loadFresh)
		if err != nil {
			return nil, err
		}
		nginx := rates["nginx"]
		if nginx == nil {
			return nil, nil
		}
		label := "proxy, a connection each: requests/s against nginx"
		if beside > 0 {
			label = fmt.Sprintf("proxy, the same beside %d in TIME_WAIT", beside)
		}
		for name, how := range map[string]string{"ours": ", secret", "ours-open": ", none"} {
			rows = append(rows, row{name: label + how, ratio: middle(rates[name]) / middle(nginx), budget: -0.5, unit: "x", detail: fmt.Sprintf("%.0f against %.0f", middle(rates[name]), middle(nginx))})
		}
	}
	return rows, nil
}

// timeWait leaves n sockets in TIME_WAIT, for the minute that Linux keeps them.
func timeWait(n int) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	for range n {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return err
		}
		other, err := l.Accept()
		if err != nil {
			return err
		}
		_ = c.Close() // first, so that this end waits
		_ = other.Close()
	}
	return nil
}

// race has contenders take turns, and returns the rates of each by its name, and the
// times of the slowest of a hundred requests, in milliseconds.
func race(contenders []*role, rounds int, turn func(*role, time.Duration) (float64, time.Duration, error)) (rates, slow map[string][]float64, err error) {
	rates, slow = make(map[string][]float64), make(map[string][]float64)
	for round := range rounds + 1 {
		for _, c := range contenders {
			rate, p99, err := turn(c, proxyTurn)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 { // the first one warms up
				rates[c.name] = append(rates[c.name], rate)
				slow[c.name] = append(slow[c.name], float64(p99.Microseconds())/1000)
			}
		}
	}
	return rates, slow, nil
}

// downloads compares a large body through the proxy with the same one from the
// service. The proxy is a new process, whose memory is watched.
func downloads(service *role) ([]row, error) {
	ours, err := startRole("ours", service.address)
	if err != nil {
		return nil, err
	}
	defer ours.stop()
	if _, _, err := ours.load(proxyTurn / 4); err != nil {
		return nil, err
	}
	before, err := ours.memory("VmRSS")
	if err != nil {
		return nil, err
	}
	var through, direct []float64
	for range 5 {
		for _, c := range []struct {
			from *role
			to   *[]float64
		}{{ours, &through}, {service, &direct}} {
			took, err := c.from.fetch("/large", download)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.from.name, err)
			}
			*c.to = append(*c.to, download/took.Seconds()/1e6)
		}
	}
	after, err := ours.memory("VmHWM")
	if err != nil {
		return nil, err
	}
	t, d := middle(through), middle(direct)
	return []row{
		{name: "proxy, download of 500 MB: speed against none", ratio: t / d, budget: -0.4, unit: "x", detail: fmt.Sprintf("%.0f MB/s against %.0f MB/s", t, d)},
		{name: "proxy, download of 500 MB: memory added", ratio: (after - before) / 1024, budget: growth, unit: "MiB", detail: fmt.Sprintf("from %.1f MiB", before/1024)},
	}, nil
}

// A role is a process that plays one.
type role struct {
	name    string
	address string // host:port
	header  string // what its requests must show
	request string // of its clients, but for the path
	cmd     *exec.Cmd
	end     func()
}

// roleEnv tells this executable to play a role.
const roleEnv = "TOKENTOSS_BENCH_ROLE"

// startRole starts this executable in a role. Its first line is its address, and what
// its requests must show.
func startRole(name string, args ...string) (*role, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), roleEnv+"="+name)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	address, header, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	if err != nil || address == "" {
		return nil, fmt.Errorf("%s does not begin: %w", name, errors.Join(err, cmd.Process.Kill(), cmd.Wait()))
	}
	shown := header
	if header != "" {
		header += "\r\n"
	}
	return &role{
		name: name, address: address, header: shown, cmd: cmd,
		request: " HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: bench\r\nAccept: */*\r\n" + header + "\r\n",
		end:     func() { _ = in.Close() }, // which it waits for
	}, nil
}

func (r *role) stop() {
	r.end()
	_ = r.cmd.Wait()
}

// memory reads a line of what the system knows of the process, in KiB.
func (r *role) memory(what string) (float64, error) {
	return memoryOf(strconv.Itoa(r.cmd.Process.Pid), what)
}

// memoryOf is that of a process, in KiB.
func memoryOf(pid, what string) (float64, error) {
	text, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, what+":"); ok {
			return strconv.ParseFloat(strings.Fields(rest)[0], 64)
		}
	}
	return 0, fmt.Errorf("the system does not say %s", what)
}

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

// startNginx starts nginx as a proxy that keeps its connections; nil where there is
// none.
func startNginx(service string) (*role, error) {
	path, err := exec.LookPath("nginx")
	if err != nil {
		return nil, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	_ = l.Close()
	dir, err := os.MkdirTemp("", "tokentoss-bench-nginx")
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf(`daemon off; pid %[1]s/pid; error_log %[1]s/error.log; worker_processes auto;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  keepalive_requests 100000000;
  upstream service { server %[2]s; keepalive 128; keepalive_requests 100000000; }
  server { listen %[3]s; location / { proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Authorization "Bearer token"; } }
}`, dir, service, address)
	file := dir + "/nginx.conf"
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "-c", file, "-p", dir)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &role{
		name: "nginx", address: address, cmd: cmd, request: " HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n",
		end: func() { _ = cmd.Process.Signal(os.Interrupt); _ = os.RemoveAll(dir) },
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if c, err := r.dial(); err == nil {
			return r, c.Close()
		} else if time.Now().After(deadline) {
			return nil, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
		}
	}
}
