package handshake

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

// The two sides of a plugin know each other by certificates that each makes for one start,
// as with go-plugin's AutoMTLS, and tell each other in its way: the host in the plugin's
// environment, the plugin at the end of its first line. The library's own keys are of
// P-521, which cost more time than all the rest of a start.

// ClientCertificate names the variable of the environment in which go-plugin gives a
// plugin the certificate of its host, as PEM.
const ClientCertificate = "PLUGIN_CLIENT_CERT"

// serverName is what go-plugin calls both sides.
const serverName = "localhost"

// NewCertificate makes a key that does not leave this process, and a certificate for it.
func NewCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: serverName}, DNSNames: []string{serverName},
		// A plugin may run for as long as the machine does.
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().AddDate(30, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// HostTLS is the host's side of a connection. It trusts nobody: the library adds the
// certificate that the plugin says it has.
func HostTLS(own tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{own}, RootCAs: x509.NewCertPool(), ServerName: serverName, MinVersion: tls.VersionTLS13,
	}
}

// PluginTLS is the plugin's side, which trusts the host of that certificate and no other.
func PluginTLS(own tls.Certificate, host string) *tls.Config {
	hosts := x509.NewCertPool()
	hosts.AppendCertsFromPEM([]byte(host)) // or, of what is none, nobody is trusted
	return &tls.Config{
		Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: hosts, MinVersion: tls.VersionTLS13,
	}
}

// PEM is a certificate, without its key.
func PEM(c tls.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))
}
