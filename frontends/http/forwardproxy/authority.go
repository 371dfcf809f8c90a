package forwardproxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/netip"
	"time"
)

const (
	// lifetime is that of all certificates of an authority.
	lifetime = 24 * time.Hour

	// clockSkew is how far clocks of containers and virtual machines may be behind.
	clockSkew = 5 * time.Minute

	// These are permitted where no target is of their kind. Nobody has them (RFC 6761 section
	// 6.4, RFC 919 section 7, RFC 6666).
	noName     = "tokentoss-run.invalid"
	noAddress4 = "255.255.255.255"
	noAddress6 = "100::"
)

// An Authority is a certificate authority that can do nothing but what one run needs. Its
// root signed one intermediate certificate, which is constrained to the hosts (RFC 5280
// section 4.2.1.10) since some programs do not read the constraints of a root, and that
// signed a certificate for each host. The keys of both are gone.
type Authority struct {
	// Root is the certificate to trust, in PEM.
	Root []byte

	// NotAfter is when all certificates end.
	NotAfter time.Time

	began  time.Time
	root   *signer // nil once it signed
	leaves map[string]*tls.Certificate
}

// NewAuthority makes an authority that signed nothing but its root. A [Proxy] makes the
// rest of it.
func NewAuthority(now time.Time) (*Authority, error) {
	a := &Authority{NotAfter: now.Add(lifetime), began: now}
	root, err := a.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "tokentoss run"}, IsCA: true, BasicConstraintsValid: true, MaxPathLen: 1,
		KeyUsage: x509.KeyUsageCertSign,
	}, nil)
	if err != nil {
		return nil, err
	}
	a.root, a.Root = root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})
	return a, nil
}

// serve makes the certificates for hosts, names in lower case or addresses, and forgets
// the keys that signed them. It does so once.
func (a *Authority) serve(hosts []string) error {
	if len(hosts) == 0 || a.root == nil {
		return errors.New("a certificate authority without a host, or of two proxies")
	}
	root := a.root
	a.root, a.leaves = nil, make(map[string]*tls.Certificate, len(hosts))
	intermediate, err := a.issue(intermediateFor(hosts), root)
	if err != nil {
		return err
	}
	for _, host := range hosts {
		leaf, err := a.issue(leafOf(host), intermediate)
		if err != nil {
			return err
		}
		a.leaves[host] = &tls.Certificate{Certificate: [][]byte{leaf.Raw, intermediate.Raw}, PrivateKey: leaf.key, Leaf: leaf.Certificate}
	}
	return nil
}

// signer is a certificate with its key.
type signer struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

// issue makes a certificate of a template; without a parent it is its own.
func (a *Authority) issue(template *x509.Certificate, parent *signer) (*signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template.NotBefore, template.NotAfter = a.began.Add(-clockSkew), a.NotAfter
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, err
	}
	if parent == nil {
		parent = &signer{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.Certificate, &key.PublicKey, parent.key)
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(der)
	return &signer{c, key}, err
}

// intermediateFor is the template of the certificate that signs those of the hosts.
func intermediateFor(hosts []string) *x509.Certificate {
	c := &x509.Certificate{
		Subject: pkix.Name{CommonName: "tokentoss run, for its targets"}, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	constrain(c, hosts)
	return c
}

// constrain permits the hosts and nothing else. A kind of name of which nothing is said
// would be permitted whole. What says it must be so that all programs read it alike: to
// GnuTLS each family of addresses is a kind, and Java, as of version 17, stumbles over one
// that is excluded where the other is permitted, and over IPv6 before IPv4.
func constrain(c *x509.Certificate, hosts []string) {
	c.PermittedDNSDomainsCritical = true
	var four, six []*net.IPNet
	for _, host := range hosts {
		ip, err := netip.ParseAddr(host)
		switch {
		case err != nil:
			c.PermittedDNSDomains = append(c.PermittedDNSDomains, host)
		case ip.Is4():
			four = append(four, only(host))
		default:
			six = append(six, only(host))
		}
	}
	if len(c.PermittedDNSDomains) == 0 {
		c.PermittedDNSDomains = []string{noName}
	}
	switch {
	case len(four)+len(six) == 0:
		c.ExcludedIPRanges = []*net.IPNet{
			{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}, {IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
		}
		return
	case len(four) == 0:
		four = []*net.IPNet{only(noAddress4)}
	case len(six) == 0:
		six = []*net.IPNet{only(noAddress6)}
	}
	c.PermittedIPRanges = append(four, six...)
}

// only is the range of one address.
func only(host string) *net.IPNet {
	ip := netip.MustParseAddr(host)
	return &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(ip.BitLen(), ip.BitLen())}
}

// leafOf is the template of the certificate of a host. It has no common name, which some
// programs take for a DNS name where there is none, and find outside the constraints.
func leafOf(host string) *x509.Certificate {
	c := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"tokentoss run"}},
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		c.IPAddresses = []net.IP{ip}
	} else {
		c.DNSNames = []string{host}
	}
	return c
}
