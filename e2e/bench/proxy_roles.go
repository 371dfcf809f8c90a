package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// play plays the role that the environment names, until standard input ends. ok is
// false where none is named.
func play() (ok bool, err error) {
	name := os.Getenv(roleEnv)
	if name == "" {
		return false, nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	switch name {
	case "service":
		return true, playService(ctx)
	case "tls-service":
		return true, playTLSService(ctx, os.Args[1])
	case "run-client":
		return true, playRunClient(os.Args[1])
	case floorTunnel, floorStock, floorReverse:
		return true, playFloor(ctx, name, os.Args[1], os.Args[2])
	case "stock":
		return true, playStock(ctx, os.Args[1])
	case "bare":
		return true, playBare(ctx, os.Args[1])
	case "ours":
		return true, playOurs(ctx, os.Args[1], proxy.SecretNew)
	case "ours-open":
		return true, playOurs(ctx, os.Args[1], proxy.SecretNone)
	case "relay":
		return true, playRelay(ctx)
	case "tunnel-ours":
		return true, playTunnel(ctx, dialOurs, os.Args[1], os.Args[2])
	case "tunnel-many":
		return true, playTunnels(ctx, os.Args[1], os.Args[2])
	case "tunnel-iapc":
		return true, playTunnel(ctx, dialTheirs, os.Args[1], os.Args[2])
	}
	return true, fmt.Errorf("no role %q", name)
}

// token is as long as an ID token. Each proxy adds one.
var token = strings.Repeat("x", 1000)

// playService answers 1 KB, or a large body, with as little work as possible.
func playService(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	return playOn(ctx, l)
}

// playOn is playService on a listener.
func playOn(ctx context.Context, l net.Listener) error {
	context.AfterFunc(ctx, func() { _ = l.Close() })
	fmt.Println(l.Addr())
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n"
	small := []byte(fmt.Sprintf(head, 1024) + strings.Repeat("x", 1024))
	large := fmt.Appendf(nil, head, download)
	for {
		c, err := l.Accept()
		if err != nil {
			return nil
		}
		go answer(c, small, large)
	}
}

// answer answers the requests of a connection, which have no bodies.
func answer(c net.Conn, small, large []byte) {
	defer c.Close()
	buf, zeros := make([]byte, 16<<10), make([]byte, 256<<10)
	n := 0
	for {
		m, err := c.Read(buf[n:])
		if err != nil {
			return
		}
		if n += m; !bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
			continue
		}
		if n = 0; !bytes.HasPrefix(buf, []byte("GET /large ")) {
			if _, err := c.Write(small); err != nil {
				return
			}
			continue
		}
		_, err = c.Write(large)
		for sent := 0; sent < download && err == nil; sent += len(zeros) {
			_, err = c.Write(zeros[:min(len(zeros), download-sent)])
		}
		if err != nil {
			return
		}
	}
}

// playStock is the standard library's proxy, that keeps connections for its clients and adds
// a fixed token.
func playStock(ctx context.Context, service string) error {
	to := &url.URL{Scheme: "http", Host: service}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	return announce(ctx, &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Header.Set("Authorization", "Bearer "+token)
	}})
}

// playBare is the least that forwards: a handler and a transport, of the settings that ours
// has, which know requests without a body and answers of at most 1 KB.
func playBare(ctx context.Context, service string) error {
	to, bearer, transport := &url.URL{Scheme: "http", Host: service}, []string{"Bearer " + token}, proxy.NewBase()
	return announce(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := r.WithContext(r.Context())
		out.URL, out.Body = to, nil
		out.Header["Authorization"] = bearer
		res, err := transport.RoundTrip(out)
		if err != nil {
			panic(err)
		}
		defer res.Body.Close()
		maps.Copy(w.Header(), res.Header)
		w.WriteHeader(res.StatusCode)
		var body [1024]byte
		n, _ := io.ReadFull(res.Body, body[:])
		_, _ = w.Write(body[:n])
	}))
}

// announce serves h, until ctx ends, at a free address, which it prints.
func announce(ctx context.Context, h http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Println(l.Addr())
	_ = server.Serve(l)
	return nil
}

// playOurs is the proxy as a person runs it, but for the sign-in.
func playOurs(ctx context.Context, service, secret string) error {
	p, err := proxy.New(proxy.Config{Targets: []string{"http://" + service}, Secret: secret, InsecureLoopback: true}, proxy.Options{
		Ready: func(a proxy.Address) {
			fmt.Print(strings.TrimPrefix(a.URL, "http://"))
			if a.Secret != "" {
				fmt.Print(" Tokentoss-Secret: " + a.Secret.Reveal())
			}
			fmt.Println()
		},
	})
	if err != nil {
		return err
	}
	return p.Run(ctx, signedIn{})
}

// signedIn is an App of somebody who is signed in.
type signedIn struct{ core.App }

// Watch implements [core.App]. Nothing happens.
func (signedIn) Watch(ctx context.Context) (<-chan core.Status, error) {
	updates := make(chan core.Status)
	context.AfterFunc(ctx, func() { close(updates) })
	return updates, nil
}

// IDToken implements [core.App].
func (signedIn) IDToken(context.Context) (core.IDToken, error) {
	return core.IDToken{Value: core.Secret(token), Expiry: time.Now().Add(time.Hour)}, nil
}
