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
func (b *builder) java() error {
	if b.Java == "" {
		return nil
	}
	store := b.Roots.java()
	switch {
	case store.of == "": // no Java
		return nil
	case store.problem != "":
		b.Notes = append(b.Notes, fmt.Sprintf("programs in Java do not trust the run: %s: %s", store.of, store.problem))
		return nil
	}
	file := filepath.Join(b.Dir, "java.p12")
	if err := os.WriteFile(file, store.data, 0o600); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(b.Java)
	if err != nil {
		return err
	}
	list := []string{b.get(javaOptions), "-Djavax.net.ssl.trustStore=" + file, "-Djavax.net.ssl.trustStoreType=PKCS12", "-Djavax.net.ssl.trustStorePassword="}
	for _, scheme := range []string{"https", "http"} {
		list = append(list, "-D"+scheme+".proxyHost="+host, "-D"+scheme+".proxyPort="+port)
	}
	b.Set[javaOptions] = strings.TrimSpace(strings.Join(list, " "))
	return nil
}

// A javaStore has what Java trusts by itself, which is in another store, and the run's
// root.
type javaStore struct {
	of      string // the path of the other; "" where there is no Java
	data    []byte
	problem string // why there is no data
}

// makeJava makes it.
func makeJava(environ []string, run []byte) (s javaStore) {
	path, password := findJavaStore(valueIn(environ, javaOptions), valueIn(environ, "JAVA_HOME"))
	if s.of = path; path == "" {
		return s
	}
	list, err := readStore(path, password)
	if err != nil {
		s.problem = err.Error()
		return s
	}
	block, _ := pem.Decode(run)
	list = append(list, pkcs12.TrustStoreEntry{Cert: &x509.Certificate{Raw: block.Bytes}, FriendlyName: "tokentoss run"})
	if s.data, err = pkcs12.Passwordless.EncodeTrustStoreEntries(list, ""); err != nil {
		s.problem = err.Error()
	}
	return s
}

// findJavaStore returns the file that Java trusts by itself, or that the options name.
func findJavaStore(options, home string) (path, password string) {
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
