package host_test

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
	"github.com/tokentoss/tokentoss/plugins/internal/handshake"
)

// certificate makes one that nobody was told.
func certificate() tls.Certificate {
	c, err := handshake.NewCertificate()
	if err != nil {
		panic(err)
	}
	return c
}

// serveTelling serves with a certificate as plugins.Serve does, and tells the host what tell
// says.
func serveTelling(name string, tell func(own tls.Certificate) string) {
	path := filepath.Join(os.Getenv(plugin.EnvUnixSocketDir), "plugin")
	l, err := net.Listen("unix", path)
	if err != nil {
		panic(err)
	}
	own := certificate()
	s := grpc.NewServer(grpc.Creds(credentials.NewTLS(handshake.PluginTLS(own, os.Getenv(handshake.ClientCertificate)))))
	evil(name).Register(s, nil)
	say("1|1|unix|" + path + "|grpc|" + tell(own))
	panic(s.Serve(l))
}

// told is a certificate as the first line tells it.
func told(c tls.Certificate) string { return base64.RawStdEncoding.EncodeToString(c.Certificate[0]) }

// TestCertificates: a host talks to the plugin that has the certificate of its first line,
// and a plugin to the host that has the one of its environment; with any other both fail.
func TestCertificates(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cert-missing", "cert-wrong", "cert-swapped", "cert-host-swapped", "cert-host-garbage"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, evil(name))
			_, err := s.host.OpenStore(bounded(t), host.Use{Plugin: name, Request: plugins.Request{Dir: s.dir}})
			wantError(t, err, core.ErrUnavailable, "")
		})
	}
}

// TestRightCertificates: a plugin may have one of its own making, as it has that go-plugin
// serves by itself.
func TestRightCertificates(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cert-right", "cert-stock"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, evil(name))
			store, err := s.host.OpenStore(bounded(t), host.Use{Plugin: name, Request: plugins.Request{Dir: s.dir}})
			if err != nil {
				t.Fatal(err)
			}
			defer closeStore(store)
			if _, err := store.Save(bounded(t), "a", core.Record{Data: []byte("{}")}); err != nil {
				t.Error(err)
			}
		})
	}
}

// certificates are what plugins of that name do before they serve, as [starts].
var certificates = map[string]func(){
	"cert-right":   func() { serveTelling("cert-right", told) },
	"cert-stock":   func() { serveUnchecked(evil("cert-stock")) },
	"cert-missing": func() { serveTelling("cert-missing", func(tls.Certificate) string { return "" }) },
	"cert-wrong":   func() { serveTelling("cert-wrong", func(tls.Certificate) string { return told(certificate()) }) },
	"cert-swapped": func() { // for the host's
		serveTelling("cert-swapped", func(tls.Certificate) string {
			block, _ := pem.Decode([]byte(os.Getenv(handshake.ClientCertificate)))
			return base64.RawStdEncoding.EncodeToString(block.Bytes)
		})
	},
	"cert-host-swapped": func() { setClientCertificate(handshake.PEM(certificate())) },
	"cert-host-garbage": func() { setClientCertificate("garbage") },
}

func setClientCertificate(text string) {
	if err := os.Setenv(handshake.ClientCertificate, text); err != nil {
		panic(err)
	}
}
