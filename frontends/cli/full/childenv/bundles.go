package childenv

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/tokentoss/tokentoss/core/fault"
)

// A trust is what a program trusts by itself.
type trust int

const (
	more   trust = iota // its variable adds to what that is
	system              // the roots of the system
	own                 // roots that come with it, mostly Mozilla's; packages of systems replace them
)

// bundleVariables name files of trusted certificates, each followed by the variables that
// the same program reads where that one is not set.
var bundleVariables = []struct {
	names []string
	trust trust
}{
	{[]string{"SSL_CERT_FILE"}, system}, // OpenSSL, Go, rustls
	{[]string{"CURL_CA_BUNDLE", "SSL_CERT_FILE"}, system},
	{[]string{"GIT_SSL_CAINFO"}, system},
	{[]string{"CARGO_HTTP_CAINFO", "SSL_CERT_FILE"}, system},
	{[]string{"PERL_LWP_SSL_CA_FILE", "HTTPS_CA_FILE"}, system},
	{[]string{"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}, own},
	{[]string{"PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}, own},
	{[]string{"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"}, own},
	{[]string{"HTTPLIB2_CA_CERTS"}, own},
	{[]string{"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"}, own},
	{[]string{"NODE_EXTRA_CA_CERTS"}, more},
	{[]string{"DENO_CERT"}, more},
}

// bundles names files with the run's root.
func (b *builder) bundles() error {
	for _, v := range bundleVariables {
		texts, err := b.trusted(v.names, v.trust)
		if err != nil {
			return err
		}
		if b.Set[v.names[0]], err = b.files.put(strings.ToLower(v.names[0])+".pem", texts...); err != nil {
			return err
		}
	}
	return nil
}

// trusted returns what the first of names that is set names, or else what a program trusts
// by itself, and the run's root.
func (b *builder) trusted(names []string, trust trust) ([][]byte, error) {
	for _, name := range names {
		if path := b.get(name); path != "" {
			text, err := b.read(path)
			if err != nil {
				return nil, &fault.Error{
					Subject: "environment variable " + name, Kind: fault.BadConfig, Problem: "it names no file of certificates", Err: err,
					Remedy: fault.Say("unset %s, or correct it", name),
				}
			}
			return [][]byte{text, b.Roots.run}, nil
		}
	}
	return append(b.Roots.of(trust), b.Roots.run), nil
}

// read is readRoots, once for each path: one file is often what all variables name.
func (b *builder) read(path string) ([]byte, error) {
	if text, ok := b.byPath[path]; ok {
		return text, nil
	}
	text, err := readRoots(path)
	if err == nil {
		b.byPath[path] = text
	}
	return text, err
}

// systemFiles have the roots of Linux distributions, BSDs and macOS.
var systemFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/cacert.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem", "/usr/local/etc/ssl/cert.pem",
}

// systemRoots returns the roots of the system, or nothing.
func systemRoots() []byte {
	for _, path := range systemFiles {
		if text, err := readRoots(path); err == nil && len(text) > 0 {
			return text
		}
	}
	return nil
}

// mozillaRoots returns Mozilla's.
func mozillaRoots() []byte {
	size := 0
	for root := range bundle.Roots() {
		size += len(root.Certificate)
	}
	var text bytes.Buffer
	text.Grow(2 * size) // more than it takes: what is not used is not touched
	for root := range bundle.Roots() {
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // to memory
	}
	return text.Bytes()
}

// of returns the roots of a program. Where the system has none, Mozilla's take their place.
func (r *Roots) of(trust trust) [][]byte {
	switch {
	case trust == more:
		return nil
	case trust == system && len(r.system()) > 0:
		return [][]byte{r.system()}
	}
	return [][]byte{r.system(), r.mozilla()}
}

// readRoots reads the certificates of a file, or of all files of a directory. A private
// key beside them is not taken.
func readRoots(path string) ([]byte, error) {
	paths := []string{path}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, err
		}
		paths = nil
		for _, e := range entries {
			paths = append(paths, filepath.Join(path, e.Name()))
		}
	}
	var blocks [][]byte
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil && len(paths) == 1 {
			return nil, err
		}
		found := certificates(data)
		if len(paths) == 1 && size(found) == len(data) { // as it mostly is
			return data, nil
		}
		blocks = append(blocks, found...)
	}
	if len(paths) > 1 { // where most are there twice, by another name
		slices.SortFunc(blocks, bytes.Compare)
		blocks = slices.CompactFunc(blocks, bytes.Equal)
	}
	return bytes.Join(blocks, nil), nil
}

func size(texts [][]byte) (n int) {
	for _, text := range texts {
		n += len(text)
	}
	return n
}

// certificates returns the blocks of a text that are certificates, each with the end of
// its last line.
func certificates(text []byte) (blocks [][]byte) {
	begin, end, dashes := []byte("-----BEGIN "), []byte("-----END "), []byte("-----")
	for {
		before, rest, ok := bytes.Cut(text, begin)
		if !ok {
			return blocks
		}
		name, _, ok := bytes.Cut(rest, dashes)
		if !ok {
			return blocks
		}
		_, after, ok := bytes.Cut(rest, slices.Concat(end, name, dashes))
		if !ok {
			text = rest
			continue
		}
		if bytes.HasSuffix(name, []byte("CERTIFICATE")) {
			block := text[len(before) : len(text)-len(after)]
			if bytes.HasPrefix(after, []byte("\n")) {
				block = block[:len(block)+1]
			} else {
				block = slices.Concat(block, []byte("\n"))
			}
			blocks = append(blocks, block)
		}
		text = after
	}
}
