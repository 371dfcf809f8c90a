package emulator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"
)

// certificateLifetime is how long the certificates are good, by the real clock.
const certificateLifetime = 397 * 24 * time.Hour

// authority is the certificate authority of one emulator, which has signed the one certificate of both sides. Its key is gone.
type authority struct {
	pem         []byte
	pool        *x509.CertPool
	certificate tls.Certificate
}

// newAuthority makes an authority and a certificate for names, each a DNS name, of which the first label may be *, or an address.
func newAuthority(names []string) (*authority, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("emulator: make a certificate authority: %w", err)
	}
	root := certificateTemplate("tokentoss emulator CA")
	root.IsCA, root.MaxPathLenZero, root.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, root, root, caKey.Public(), caKey)
	if err != nil {
		return nil, fmt.Errorf("emulator: make a certificate authority: %w", err)
	}
	if root, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("emulator: make a certificate authority: %w", err)
	}
	a := &authority{pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pool: x509.NewCertPool()}
	a.pool.AddCert(root)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("emulator: make a certificate: %w", err)
	}
	leaf := certificateTemplate("tokentoss emulator")
	leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, name)
		}
	}
	if der, err = x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), caKey); err != nil {
		return nil, fmt.Errorf("emulator: make a certificate for %s: %w", strings.Join(names, ", "), err)
	}
	a.certificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return a, nil
}

func certificateTemplate(name string) *x509.Certificate {
	serial := make([]byte, 16)
	_, _ = rand.Read(serial)
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLifetime), BasicConstraintsValid: true,
	}
}

// certified returns the names that the certificate is for.
func (o Options) certified() []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	for _, address := range []string{o.Listen, o.IAPListen} {
		host, _, err := net.SplitHostPort(address)
		if ip := net.ParseIP(host); err == nil && host != "" && (ip == nil || !ip.IsUnspecified()) {
			names = append(names, host)
		}
	}
	names = append(names, o.TLSNames...)
	slices.Sort(names)
	return slices.Compact(names)
}

func (o Options) checkTLSNames() error {
	for _, name := range o.TLSNames {
		host := strings.TrimPrefix(name, "*.")
		if net.ParseIP(name) == nil && (host == "" || strings.Trim(host, ".") != host || strings.ContainsFunc(host, notInDNSName)) {
			return fmt.Errorf("emulator: TLS name %q is neither a DNS name nor an address", name)
		}
	}
	return nil
}

func notInDNSName(r rune) bool {
	return r != '-' && r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

// answersTo reports whether a name is one of Options.TLSNames.
func (o Options) answersTo(host string) bool {
	return slices.ContainsFunc(o.TLSNames, func(name string) bool {
		if parent, ok := strings.CutPrefix(name, "*."); ok {
			_, rest, _ := strings.Cut(host, ".")
			return strings.EqualFold(rest, parent)
		}
		return strings.EqualFold(name, host)
	})
}

// tlsConfig is that of both sides, nil where they speak plain HTTP.
func (e *Emulator) tlsConfig() *tls.Config {
	if e.authority == nil {
		return nil
	}
	return &tls.Config{Certificates: []tls.Certificate{e.authority.certificate}, MinVersion: tls.VersionTLS12}
}

// CA returns the certificate of the authority that both sides' certificate is from, as PEM; nil without [Options].TLS. Its private
// key is gone: nothing else is ever signed by it.
func (e *Emulator) CA() []byte {
	if e.authority == nil {
		return nil
	}
	return slices.Clone(e.authority.pem)
}
