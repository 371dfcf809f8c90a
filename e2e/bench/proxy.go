package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	more, err := downloads(service)
	return append(rows, more...), err
}

// throughput compares requests a second.
func throughput(contenders []*role) ([]row, error) {
	rates := make(map[string][]float64)
	for round := range proxyRounds + 1 {
		for _, c := range contenders {
			rate, err := c.load(proxyTurn)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 { // the first one warms up
				rates[c.name] = append(rates[c.name], rate)
			}
		}
	}
	ours, stock, direct := middle(rates["ours"]), middle(rates["stock"]), middle(rates["service"])
	label := fmt.Sprintf("proxy, %d clients, 1 KB: requests/s against ", proxyClients)
	rows := []row{
		{name: label + "a stock ReverseProxy", ratio: ours / stock, budget: -2, unit: "x", detail: fmt.Sprintf("%.0f against %.0f, without a proxy %.0f", ours, stock, direct)},
	}
	if nginx := rates["nginx"]; nginx != nil {
		rows = append(rows, row{name: label + "nginx", ratio: ours / middle(nginx), unit: "x", detail: fmt.Sprintf("%.0f against %.0f", ours, middle(nginx))})
	}
	return rows, nil
}

// downloads compares a large body through the proxy with the same one from the
// service. The proxy is a new process, whose memory is watched.
func downloads(service *role) ([]row, error) {
	ours, err := startRole("ours", service.address)
	if err != nil {
		return nil, err
	}
	defer ours.stop()
	if _, err := ours.load(proxyTurn / 4); err != nil {
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

// load makes requests by several connections and returns how many a second.
func (r *role) load(d time.Duration) (float64, error) {
	var all sync.WaitGroup
	var done atomic.Int64
	failed := make(chan error, proxyClients)
	began := time.Now()
	for range proxyClients {
		all.Go(func() {
			c, err := r.dial()
			if err != nil {
				failed <- err
				return
			}
			defer c.Close()
			for time.Since(began) < d {
				if _, err := c.ask("/", 1024); err != nil {
					failed <- err
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	select {
	case err := <-failed:
		return 0, err
	default:
	}
	return float64(done.Load()) / took.Seconds(), nil
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
