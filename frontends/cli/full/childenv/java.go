package childenv

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"
)

const (
	javaOptions = "JAVA_TOOL_OPTIONS"

	// storePassword is that of the store of every JDK: it keeps nothing secret.
	storePassword = "changeit"
)

// java adds a store of trusted certificates, and a proxy, to the options of Java, which
// knows neither by other variables. Its proxies have no credential, so without one that
// wants none there is no use in the rest.
func (b *builder) java() error {
	if b.Java == "" {
		return nil
	}
	before := b.get(javaOptions)
	path, password := javaStore(before, b.get("JAVA_HOME"))
	if path == "" {
		return nil // no Java
	}
	trusted, err := readStore(path, password)
	if err != nil {
		b.Notes = append(b.Notes, fmt.Sprintf("programs in Java do not trust the run: %s: %v", path, err))
		return nil
	}
	block, _ := pem.Decode(b.Root)
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	store, err := pkcs12.LegacyDES.EncodeTrustStore(append(trusted, root), storePassword) // which Java 8 reads, too
	if err != nil {
		return err
	}
	file, err := b.files.put("java.p12", string(store))
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(b.Java)
	if err != nil {
		return err
	}
	options := []string{"-Djavax.net.ssl.trustStore=" + file, "-Djavax.net.ssl.trustStoreType=PKCS12", "-Djavax.net.ssl.trustStorePassword=" + storePassword}
	for _, scheme := range []string{"https", "http"} {
		options = append(options, "-D"+scheme+".proxyHost="+host, "-D"+scheme+".proxyPort="+port)
	}
	b.Set[javaOptions] = strings.TrimSpace(before + " " + strings.Join(options, " "))
	return nil
}

// javaStore returns the file that Java trusts by itself, or that the options name.
func javaStore(options, home string) (path, password string) {
	password = storePassword
	for _, option := range strings.Fields(options) {
		if value, ok := strings.CutPrefix(option, "-Djavax.net.ssl.trustStore="); ok {
			path = strings.Trim(value, `"'`)
		}
		if value, ok := strings.CutPrefix(option, "-Djavax.net.ssl.trustStorePassword="); ok {
			password = strings.Trim(value, `"'`)
		}
	}
	if path != "" {
		return path, password
	}
	if home == "" {
		java, err := exec.LookPath("java")
		if err != nil {
			return "", ""
		}
		if real, err := filepath.EvalSymlinks(java); err == nil {
			java = real
		}
		home = filepath.Dir(filepath.Dir(java))
	}
	for _, name := range []string{"lib/security/jssecacerts", "lib/security/cacerts", "jre/lib/security/cacerts"} {
		path := filepath.Join(home, filepath.FromSlash(name))
		if _, err := os.Stat(path); err == nil {
			return path, password
		}
	}
	return "", ""
}

// readStore reads the certificates of a store in one of Java's two formats.
func readStore(path, password string) ([]*x509.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(data, []byte{0xfe, 0xed, 0xfe, 0xed}) {
		list, err := pkcs12.DecodeTrustStore(data, password)
		if err != nil && password == storePassword { // a store without a password
			if bare, err := pkcs12.DecodeTrustStore(data, ""); err == nil {
				return bare, nil
			}
		}
		return list, err
	}
	store := keystore.New()
	if err := store.Load(bytes.NewReader(data), []byte(password)); err != nil {
		return nil, err
	}
	var list []*x509.Certificate
	for _, alias := range store.Aliases() {
		entry, err := store.GetTrustedCertificateEntry(alias)
		if err != nil {
			continue // a key
		}
		if c, err := x509.ParseCertificate(entry.Certificate.Content); err == nil {
			list = append(list, c)
		}
	}
	return slices.Clip(list), nil
}
