package etcd_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/storetest"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// Over TLS with certificates on both sides, with users and roles as the package's
// documentation has them, a store is as good as without; and adam, who has a
// prefix of his own, reaches nothing of ada's.
func TestTLSAndUsers(t *testing.T) {
	pki := newPKI(t)
	c := newCluster(t, 1, func(m *memberConfig) {
		m.Client = "https" + strings.TrimPrefix(m.Client, "http")
		m.CA, m.Cert, m.Key = pki.ca, pki.memberCert, pki.memberKey
	})
	dir := t.TempDir()
	config := func(user string) etcd.Config {
		return etcd.Config{
			Endpoints: c.endpoints, CAFile: pki.ca, CertFile: pki.clientCert, KeyFile: pki.clientKey,
			Username: user, PasswordFile: passwordFile(t, "password of "+user), RequestTimeout: "10s",
		}
	}
	setUp(t, pki, c, "ada", "adam")

	t.Run("conformance", func(t *testing.T) {
		storetest.Run(t,
			func(t *testing.T) core.TokenStore {
				ada := config("ada")
				ada.Prefix = "/tokentoss/ada/" + t.Name()
				return openStore(t, ada, dir)
			},
			storetest.WithReopen(func(t *testing.T, first core.TokenStore) core.TokenStore {
				ada := config("ada")
				ada.Prefix = place(first)
				return openStore(t, ada, dir)
			}))
	})
	t.Run("default prefix", func(t *testing.T) {
		s := openClosed(t, config("ada"), dir)
		if got, want := s.(core.Locator).Path("work"), "/tokentoss/ada/sessions/work"; got != want {
			t.Errorf("the document is at %s, want %s", got, want)
		}
		must(t, s.(core.Checker).Check(bounded(t), "work"))
	})
	t.Run("another's prefix", func(t *testing.T) {
		adam := config("adam")
		adam.Prefix = "/tokentoss/ada"
		s := openClosed(t, adam, dir)
		ctx := bounded(t)
		_, err := s.Load(ctx, core.DefaultKey)
		wantRefused(t, "Load", err, "permission")
		_, err = s.(core.Lister).List(ctx)
		wantRefused(t, "List", err, "permission")
		_, err = s.(core.Locker).Lock(ctx, core.DefaultKey)
		wantRefused(t, "Lock", err, "permission")
		wantRefused(t, "Delete", s.Delete(ctx, core.DefaultKey), "permission")
		wantRefused(t, "Check", s.(core.Checker).Check(ctx, core.DefaultKey), "permission")
		plain, err := etcd.OpenPlain(ctx, adam, nil)
		must(t, err)
		_, err = plain.Save(ctx, core.DefaultKey, core.Record{Data: []byte("x")})
		wantRefused(t, "Save", err, "permission")
		must(t, plain.(interface{ Close() error }).Close())
	})
	t.Run("refused", func(t *testing.T) { checkRefused(t, pki, config) })
}

// checkRefused opens and uses stores that etcd does not let in.
func checkRefused(t *testing.T, pki pki, config func(user string) etcd.Config) {
	for _, tt := range []struct {
		name   string
		change func(*etcd.Config)
		hint   string
	}{
		{"wrong password", func(c *etcd.Config) { c.PasswordFile = passwordFile(t, "guessed") }, "password_file"},
		{"unknown user", func(c *etcd.Config) { c.Username = "eve" }, "username"},
		{"no user", func(c *etcd.Config) { c.Username, c.PasswordFile, c.Prefix = "", "", "/tokentoss/ada" }, "username"},
		{"no client certificate", func(c *etcd.Config) { c.CertFile, c.KeyFile = "", "" }, "cert_file"},
		{"client certificate of another CA", func(c *etcd.Config) {
			other := newPKI(t)
			c.CertFile, c.KeyFile = other.clientCert, other.clientKey
		}, "cert_file"},
		{"member's certificate of an unknown CA", func(c *etcd.Config) { c.CAFile = newPKI(t).ca }, "ca_file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config("ada")
			tt.change(&c)
			s, err := etcd.Open(bounded(t), c, t.TempDir(), nil, nil)
			if err == nil {
				_, err = s.Load(bounded(t), core.DefaultKey)
				must(t, s.(interface{ Close() error }).Close())
			}
			wantRefused(t, "Open and Load", err, tt.hint)
			if err != nil && strings.Contains(err.Error(), "guessed") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func wantRefused(t testing.TB, what string, err error, hint string) {
	t.Helper()
	var own *fault.Error
	if !errors.Is(err, core.ErrRefused) || !errors.As(err, &own) || !strings.Contains(own.Hint(), hint) {
		t.Errorf("%s: error is %v, want core.ErrRefused with a hint of %s", what, err, hint)
	}
}

func passwordFile(t testing.TB, password string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(path, []byte(password+"\n"), 0o600))
	return path
}

// setUp makes users with a role for a prefix of their own, and turns
// authentication on.
func setUp(t testing.TB, pki pki, c *cluster, users ...string) {
	t.Helper()
	ctx := bounded(t)
	info := transport.TLSInfo{TrustedCAFile: pki.ca, CertFile: pki.clientCert, KeyFile: pki.clientKey}
	tlsConfig, err := info.ClientConfig()
	must(t, err)
	client, err := clientv3.New(clientv3.Config{Endpoints: c.endpoints, TLS: tlsConfig, Logger: zap.NewNop()})
	must(t, err)
	defer client.Close()
	_, err = client.UserAdd(ctx, "root", rand.Text())
	must(t, err)
	_, err = client.UserGrantRole(ctx, "root", "root")
	must(t, err)
	for _, user := range users {
		prefix := "/tokentoss/" + user + "/"
		_, err = client.UserAdd(ctx, user, "password of "+user)
		must(t, err)
		_, err = client.RoleAdd(ctx, "tokentoss-"+user)
		must(t, err)
		_, err = client.RoleGrantPermission(ctx, "tokentoss-"+user, prefix, clientv3.GetPrefixRangeEnd(prefix), clientv3.PermissionType(clientv3.PermReadWrite))
		must(t, err)
		_, err = client.UserGrantRole(ctx, user, "tokentoss-"+user)
		must(t, err)
	}
	_, err = client.AuthEnable(ctx)
	must(t, err)
}

// A pki is a CA, a certificate of a member, and one of a client, as files.
type pki struct{ ca, memberCert, memberKey, clientCert, clientKey string }

func newPKI(t testing.TB) pki {
	t.Helper()
	dir := t.TempDir()
	p := pki{
		ca:         filepath.Join(dir, "ca.pem"),
		memberCert: filepath.Join(dir, "member.pem"), memberKey: filepath.Join(dir, "member.key"),
		clientCert: filepath.Join(dir, "client.pem"), clientKey: filepath.Join(dir, "client.key"),
	}
	template := func(serial int64) *x509.Certificate {
		return &x509.Certificate{
			// No name: etcd would take the common name of a client for a user's.
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{Organization: []string{"tokentoss"}},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			KeyUsage: x509.KeyUsageDigitalSignature,
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	ca := template(1)
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	writePEM(t, p.ca, "CERTIFICATE", sign(t, ca, ca, &key.PublicKey, key))
	for i, file := range []struct{ cert, key string }{{p.memberCert, p.memberKey}, {p.clientCert, p.clientKey}} {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		cert := template(int64(2 + i))
		// etcd calls itself, with the member's.
		cert.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
		cert.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		writePEM(t, file.cert, "CERTIFICATE", sign(t, cert, ca, &own.PublicKey, key))
		der, err := x509.MarshalPKCS8PrivateKey(own)
		must(t, err)
		writePEM(t, file.key, "PRIVATE KEY", der)
	}
	return p
}

func sign(t testing.TB, cert, ca *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, cert, ca, public, key)
	must(t, err)
	return der
}

func writePEM(t testing.TB, path, kind string, der []byte) {
	t.Helper()
	must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}
