package forwardproxy

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"golang.org/x/net/proxy"

	"github.com/tokentoss/tokentoss/core/proxyenv"
)

const (
	dialTimeout    = 30 * time.Second
	connectTimeout = 30 * time.Second // for another proxy's answer
)

// tunnel connects a client with another host as it is, and returns when both are done.
func (p *Proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	host, port, err := splitAuthority(r.Host, "")
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	far, err := dial(r.Context(), net.JoinHostPort(host, port))
	if err != nil {
		p.log.Debug("a tunnel failed", "to", r.Host, "error", err)
		refuse(w, http.StatusBadGateway, err.Error())
		return
	}
	defer far.Close()
	near, err := accept(w)
	if err != nil {
		return
	}
	defer near.Close()
	defer context.AfterFunc(r.Context(), func() { near.Close(); far.Close() })()
	var both sync.WaitGroup
	both.Go(func() { pour(far, near) })
	both.Go(func() { pour(near, far) })
	both.Wait()
}

// pour copies until the end, and passes it on.
func pour(to, from net.Conn) {
	_, err := io.Copy(to, from)
	half, ok := to.(interface{ CloseWrite() error })
	if err != nil || !ok || half.CloseWrite() != nil {
		_ = to.Close()
		_ = from.Close()
	}
}

// dial connects to address, through the forward proxy of the environment where it names
// one for it.
func dial(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	u, err := through(address)
	if err != nil {
		return nil, err
	}
	d := &net.Dialer{}
	switch {
	case u == nil:
		return d.DialContext(ctx, "tcp", address)
	case u.Scheme == "socks5" || u.Scheme == "socks5h":
		through, err := proxy.FromURL(u, d)
		if err != nil {
			return nil, err
		}
		return through.(proxy.ContextDialer).DialContext(ctx, "tcp", address)
	}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])))
	if err != nil {
		return nil, fmt.Errorf("the forward proxy of HTTPS_PROXY: %w", err)
	}
	if u.Scheme == "https" {
		conn = tls.Client(conn, &tls.Config{ServerName: u.Hostname()})
	}
	if conn, err = connect(conn, u, address); err != nil {
		return nil, fmt.Errorf("the forward proxy of HTTPS_PROXY: %w", err)
	}
	return conn, nil
}

// through returns the forward proxy for an address, or nil.
func through(address string) (*url.URL, error) {
	u, err := proxyenv.FromEnvironment(&http.Request{URL: &url.URL{Scheme: "https", Host: address}})
	if u == nil && err == nil {
		// Go has no proxy for this machine. That of another run may have a target there.
		if outer, err := url.Parse(os.Getenv("HTTPS_PROXY")); err == nil && outer.User.Username() == user {
			return outer, nil
		}
	}
	return u, err
}

// connect asks a forward proxy for a tunnel (RFC 9110 section 9.3.6).
func connect(conn net.Conn, through *url.URL, address string) (net.Conn, error) {
	_ = conn.SetDeadline(time.Now().Add(connectTimeout))
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: make(http.Header)}
	if u := through.User; u != nil {
		password, _ := u.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	r := bufio.NewReader(conn)
	err := req.Write(conn)
	var res *http.Response
	if err == nil {
		res, err = http.ReadResponse(r, req)
	}
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("it answers %s", res.Status)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return unread(conn, r), nil
}

// askUnopened is for [http.Transport.GetProxyConnectHeader].
func askUnopened(_ context.Context, through *url.URL, _ string) (http.Header, error) {
	if through.User.Username() != user {
		return nil, nil
	}
	return http.Header{unopened: {"1"}}, nil
}
