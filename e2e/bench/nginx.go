package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"
)

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
  server { listen %[3]s; location / { proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Authorization "Bearer %[4]s"; } }
}`, dir, service, address, token)
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
