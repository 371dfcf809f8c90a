package oidc

import (
	"crypto/x509"
	"errors"
	"os"
	"runtime"

	"github.com/tokentoss/tokentoss/core/fault"
)

// certificateVariable names a file with the certificate authorities to trust, on
// the systems where crypto/x509 reads it.
const certificateVariable = "SSL_CERT_FILE"

// CertificateRemedy says what to do about a certificate that crypto/tls did not
// accept.
func CertificateRemedy(err error) fault.Remedy {
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		return fault.Say("check the address: the server's certificate is for another name")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fault.Say("check the clock of this machine; if it is right, the server's certificate has expired or is not valid yet: tell whoever runs it")
	case runtime.GOOS == "windows", runtime.GOOS == "darwin":
		return fault.Remedy{}
	}
	file := os.Getenv(certificateVariable)
	if file == "" {
		return fault.Say("add your organisation's certificate authority to those that this machine trusts, or set %s to a file with it", certificateVariable)
	}
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fault.SetVariable.To(certificateVariable, "a file that exists, or unset it: there is no "+file)
	case err != nil:
		return fault.SetVariable.To(certificateVariable, "a file that you can read: "+file+" is not one")
	case !x509.NewCertPool().AppendCertsFromPEM(data):
		return fault.SetVariable.To(certificateVariable, "a file with certificates in PEM: there is none in "+file)
	}
	return fault.Say("add the server's certificate authority to %s, which %s names: it is not among those there", file, certificateVariable)
}
