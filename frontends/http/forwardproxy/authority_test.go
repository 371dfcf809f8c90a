package forwardproxy

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// forged makes a leaf for a host as somebody would who has the key of the intermediate
// certificate. The authority itself has no key any more.
func forged(t *testing.T, targets []string, host string) (root []byte, chain tls.Certificate) {
	t.Helper()
	a := &Authority{began: time.Now(), NotAfter: time.Now().Add(lifetime)}
	top, err := a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: "tokentoss run"}, IsCA: true, BasicConstraintsValid: true, MaxPathLen: 1, KeyUsage: x509.KeyUsageCertSign}, nil)
	if err != nil {
		t.Fatal(err)
	}
	template := intermediateFor(targets)
	middle, err := a.issue(template, top)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := a.issue(leafOf(host), middle)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: top.Raw}),
		tls.Certificate{Certificate: [][]byte{leaf.Raw, middle.Raw}, PrivateKey: leaf.key}
}

// constraints are targets, and hosts that are among them or not.
var constraints = []struct {
	targets  []string
	host     string
	accepted bool
}{
	{[]string{"app.example.com"}, "app.example.com", true},
	{[]string{"app.example.com", "192.0.2.7"}, "app.example.com", true},
	{[]string{"127.0.0.1"}, "127.0.0.1", true},
	{[]string{"::1"}, "::1", true},
	{[]string{"app.example.com"}, "accounts.google.com", false},
	{[]string{"app.example.com"}, "example.com", false},
	{[]string{"app.example.com"}, "xapp.example.com", false},
	{[]string{"app.example.com"}, "127.0.0.1", false},
	{[]string{"app.example.com"}, "::1", false},
	{[]string{"127.0.0.1"}, "127.0.0.2", false},
	{[]string{"127.0.0.1"}, "::1", false},
	{[]string{"127.0.0.1"}, "app.example.com", false},
	{[]string{"::1"}, "127.0.0.1", false},
	{[]string{"::1"}, "localhost", false},
	{[]string{"::1", "app.example.com", "127.0.0.1"}, "127.0.0.1", true},
	{[]string{"::1", "app.example.com", "127.0.0.1"}, "::1", true},
	{[]string{"::1", "app.example.com", "127.0.0.1"}, "app.example.com", true},
	{[]string{"::1", "app.example.com", "127.0.0.1"}, "127.0.0.2", false},
	{[]string{"::1", "app.example.com", "127.0.0.1"}, "::2", false},
}

// verifiers are programs that verify a server. The port is of one on loopback that shows
// the chain, whatever name it is asked for.
var verifiers = map[string]func(ca, host, port string) *exec.Cmd{
	"openssl": func(ca, host, port string) *exec.Cmd {
		check := []string{"-verify_hostname", host}
		if net.ParseIP(host) != nil {
			check = []string{"-verify_ip", host}
		}
		return exec.Command("openssl", append([]string{"s_client", "-connect", "127.0.0.1:" + port, "-CAfile", ca, "-verify_return_error", "-brief"}, check...)...)
	},
	"gnutls-cli": func(ca, host, port string) *exec.Cmd {
		return exec.Command("gnutls-cli", "--x509cafile", ca, "--verify-hostname", host, "-p", port, "127.0.0.1")
	},
	"curl": func(ca, host, port string) *exec.Cmd {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return exec.Command("curl", "-sS", "--noproxy", "*", "--cacert", ca, "--connect-to", "::127.0.0.1:"+port, "https://"+host+"/", "-o", os.DevNull)
	},
	"wget": func(ca, host, port string) *exec.Cmd {
		// Debian's is built with GnuTLS. It has no option for the name: addresses alone.
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return exec.Command("wget", "-q", "--no-config", "--no-proxy", "--tries=1", "--ca-certificate="+ca, "--ca-directory=/nonexistent", "https://"+host+":"+port+"/", "-O", os.DevNull)
	},
	"node": func(ca, host, port string) *exec.Cmd {
		const program = `const [ca, host, port] = process.argv.slice(1), tls = require("tls"), fs = require("fs");
const name = require("net").isIP(host) ? {} : { servername: host };
const s = tls.connect({ host: "127.0.0.1", port, ca: fs.readFileSync(ca), ...name,
  checkServerIdentity: (_, cert) => tls.checkServerIdentity(host, cert) }, () => process.exit(0));
s.on("error", e => { console.error(e.message); process.exit(1) });`
		return exec.Command("node", "-e", program, ca, host, port)
	},
	"uv": func(ca, host, port string) *exec.Cmd { // built with rustls
		// If it takes the certificate, it complains of the answer, which is no index.
		const script = `unset NO_PROXY no_proxy ALL_PROXY all_proxy https_proxy
out=$(echo greeting | uv pip compile -q --no-cache --no-config --index-url "https://$1/simple/" - 2>&1)
echo "$out"; echo "$out" | grep -q "Missing .Content-Type. header"`
		cmd := exec.Command("sh", "-c", script, "sh", host+":"+port)
		cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+ca, "UV_HTTP_RETRIES=0", "HTTPS_PROXY="+os.Getenv(toLoopback))
		return cmd
	},
	"python3": func(ca, host, port string) *exec.Cmd {
		return exec.Command("python3", "-c", `import socket, ssl, sys
ca, host, port = sys.argv[1:]
ssl.create_default_context(cafile=ca).wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname=host)`, ca, host, port)
	},
}

// toLoopback names the URL of a proxy that leads all names to loopback, for programs that
// have no option for it.
const toLoopback = "TEST_TO_LOOPBACK"

// A certificate of the run's authority for anything but the targets, were there one, is
// refused by name and by address.
func TestTheAuthorityIsGoodForItsTargetsAlone(t *testing.T) {
	t.Setenv(toLoopback, leadToLoopback(t))
	for name := range verifiers {
		if _, err := exec.LookPath(name); err != nil {
			delete(verifiers, name)
			t.Logf("there is no %s", name)
		}
	}
	java := []string{"-XX:TieredStopAtLevel=1", filepath.Join("testdata", "Verify.java")}
	var want strings.Builder
	for _, c := range constraints {
		root, chain := forged(t, c.targets, c.host)
		ca := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(ca, root, 0o600); err != nil {
			t.Fatal(err)
		}
		port := serveChain(t, chain)
		if err := verifyByGo(root, chain, c.host); (err == nil) != c.accepted {
			t.Errorf("Go: %s of %v: %v", c.host, c.targets, err)
		}
		for name, command := range verifiers {
			if name == "wget" && c.host != "127.0.0.1" { // it has no option that leads a name elsewhere
				continue
			}
			if name == "uv" && strings.Contains(c.host, ":") { // by a proxy it takes no address of IPv6
				continue
			}
			out, err := command(ca, c.host, port).CombinedOutput()
			if (err == nil) != c.accepted {
				t.Errorf("%s: %s of %v: %v\n%s", name, c.host, c.targets, err, out)
			}
		}
		java = append(java, ca, c.host, port)
		fmt.Fprintln(&want, c.host, c.accepted)
	}
	if _, err := exec.LookPath("java"); err != nil {
		t.Log("there is no java")
		return
	}
	if out, err := exec.Command("java", java...).Output(); err != nil || string(out) != want.String() {
		t.Errorf("java: %v\n%s\nexpected\n%s", err, out, &want)
	}
}

func verifyByGo(root []byte, chain tls.Certificate, host string) error {
	roots, middle := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	c, err := x509.ParseCertificate(chain.Certificate[1])
	if err != nil {
		return err
	}
	middle.AddCert(c)
	leaf, err := x509.ParseCertificate(chain.Certificate[0])
	if err != nil {
		return err
	}
	if net.ParseIP(host) != nil {
		host = "[" + host + "]"
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: middle, DNSName: host})
	return err
}

// serveChain shows a certificate, whatever name is asked for, and returns its port.
func serveChain(t *testing.T, chain tls.Certificate) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{chain}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(patience))
			if c.(*tls.Conn).Handshake() == nil {
				_, _ = c.Read(make([]byte, 1024))
				_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
			}
			c.Close()
		}
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// leadToLoopback starts a forward proxy that connects to the port on loopback, whatever the
// name, and returns its URL.
func leadToLoopback(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, port, _ := net.SplitHostPort(r.Host)
		far, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer far.Close()
		near, err := accept(w)
		if err != nil {
			return
		}
		defer near.Close()
		go pour(far, near) // ends with both
		pour(near, far)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// The certificates end within a day, can sign no other authority, and are P-256.
func TestCertificatesAreOfADayAndOfNoFurtherUse(t *testing.T) {
	a, err := NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	hosts := []string{"app.example.com", "192.0.2.7"}
	if err := a.serve(hosts); err != nil {
		t.Fatal(err)
	}
	if a.root != nil || a.serve(hosts) == nil {
		t.Error("the key of the root is kept")
	}
	block, _ := pem.Decode(a.Root)
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for host, leaf := range a.leaves {
		middle, err := x509.ParseCertificate(leaf.Certificate[1])
		if err != nil {
			t.Fatal(err)
		}
		if !middle.IsCA || !middle.MaxPathLenZero || middle.MaxPathLen != 0 || !middle.PermittedDNSDomainsCritical || leaf.Leaf.IsCA {
			t.Errorf("%s: %+v", host, middle)
		}
		for _, c := range []*x509.Certificate{root, middle, leaf.Leaf} {
			if time.Until(c.NotAfter) > lifetime || c.PublicKeyAlgorithm != x509.ECDSA {
				t.Errorf("%s ends at %v", c.Subject, c.NotAfter)
			}
		}
		if err := leaf.Leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
}
