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
	"strconv"
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
func (b *builder) java() (options, note string, err error) {
	if b.Java == "" {
		return "", "", nil
	}
	own := b.Roots.java()
	if own.path == "" {
		return "", "", nil // no Java
	}
	if note := own.problem(); note != "" {
		return "", note, nil
	}
	block, _ := pem.Decode(b.Root)
	trusted := append(slices.Clip(own.list), pkcs12.TrustStoreEntry{Cert: &x509.Certificate{Raw: block.Bytes}, FriendlyName: "tokentoss run"})
	store, err := pkcs12.Passwordless.EncodeTrustStoreEntries(trusted, "")
	if err != nil {
		return "", "", err
	}
	file := filepath.Join(b.Dir, "java.p12")
	if err := os.WriteFile(file, store, 0o600); err != nil {
		return "", "", err
	}
	host, port, err := net.SplitHostPort(b.Java)
	if err != nil {
		return "", "", err
	}
	list := []string{b.get(javaOptions), "-Djavax.net.ssl.trustStore=" + file, "-Djavax.net.ssl.trustStoreType=PKCS12", "-Djavax.net.ssl.trustStorePassword="}
	for _, scheme := range []string{"https", "http"} {
		list = append(list, "-D"+scheme+".proxyHost="+host, "-D"+scheme+".proxyPort="+port)
	}
	return strings.TrimSpace(strings.Join(list, " ")), "", nil
}

// javaRoots are what Java trusts by itself, by the store at path; "" where there is no Java.
type javaRoots struct {
	path string
	list []pkcs12.TrustStoreEntry
	err  error
}

// problem says why programs in Java will not come through; "" where they will.
func (r javaRoots) problem() string {
	if r.err == nil {
		return ""
	}
	return fmt.Sprintf("programs in Java do not trust the run: %s: %v", r.path, r.err)
}

// readJava reads them.
func readJava(environ []string) (r javaRoots) {
	path, password := javaStore(valueIn(environ, javaOptions), valueIn(environ, "JAVA_HOME"))
	if r.path = path; path != "" {
		r.list, r.err = readStore(path, password)
	}
	return r
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

// readStore reads the certificates of a store in one of Java's two formats. They are not
// parsed, which would take most of the time.
func readStore(path, password string) ([]pkcs12.TrustStoreEntry, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []pkcs12.TrustStoreEntry
	if !bytes.HasPrefix(data, []byte{0xfe, 0xed, 0xfe, 0xed}) {
		certificates, err := pkcs12.DecodeTrustStore(data, password)
		if err != nil && password == storePassword { // a store without a password
			certificates, err = pkcs12.DecodeTrustStore(data, "")
		}
		for i, c := range certificates {
			list = append(list, pkcs12.TrustStoreEntry{Cert: c, FriendlyName: strconv.Itoa(i)})
		}
		return list, err
	}
	store := keystore.New()
	if err := store.Load(bytes.NewReader(data), []byte(password)); err != nil {
		return nil, err
	}
	for _, alias := range store.Aliases() {
		if entry, err := store.GetTrustedCertificateEntry(alias); err == nil { // else a key
			list = append(list, pkcs12.TrustStoreEntry{Cert: &x509.Certificate{Raw: entry.Certificate.Content}, FriendlyName: alias})
		}
	}
	return list, nil
}
