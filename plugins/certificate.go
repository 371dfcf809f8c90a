package plugins

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"io"
	"os"
	"strings"

	"github.com/hashicorp/go-plugin"

	"github.com/tokentoss/tokentoss/plugins/internal/handshake"
)

// secure has the library serve with a certificate of ours to the host whose own is in the
// environment; where none is, it has none to trust and serves without.
//
// The library says in its first line which certificate the plugin has, but only if it made
// that itself. So the line passes by here.
func secure(config *plugin.ServeConfig) error {
	host := os.Getenv(handshake.ClientCertificate)
	if host == "" {
		return nil
	}
	own, err := handshake.NewCertificate()
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	config.TLSProvider = func() (*tls.Config, error) { return handshake.PluginTLS(own, host), nil }
	go addCertificate(os.Stdout, r, own.Certificate[0]) // ends with the first line
	os.Stdout = w
	return nil
}

// certificateField is where it is in the line.
const certificateField = 5

// addCertificate passes one line on, and adds a certificate to it.
func addCertificate(to io.Writer, from io.ReadCloser, der []byte) {
	defer from.Close()
	line, err := bufio.NewReader(from).ReadString('\n')
	if err != nil {
		return
	}
	fields := strings.Split(strings.TrimSuffix(line, "\n"), "|")
	if len(fields) > certificateField {
		fields[certificateField] = base64.RawStdEncoding.EncodeToString(der)
	}
	_, _ = io.WriteString(to, strings.Join(fields, "|")+"\n")
}
