package proxy

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
)

// secretFile keeps the secret for SecretKeep.
const secretFile = "proxy-secret"

// secret returns that of a run.
func (p *Proxy) secret() (string, error) {
	switch p.config.Secret {
	case SecretNone:
		return "", nil
	case SecretKeep:
		return keptSecret(filepath.Join(p.opts.Dir, secretFile))
	}
	return rand.Text(), nil
}

// keptSecret reads the secret in a file, or makes it.
func keptSecret(path string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("proxy: secret: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		secret := rand.Text()
		_, err = f.WriteString(secret + "\n")
		return secret, errors.Join(err, f.Close())
	}
	if !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("proxy: secret: %w", err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return "", fmt.Errorf("proxy: secret: %w", err)
	}
	if err := checkPrivate(path, info); err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("proxy: secret: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if len(secret) < minSecret || strings.Trim(secret, secretLetters) != "" {
		return "", fmt.Errorf("proxy: %s: %w: it has no secret of at least %d letters and digits: remove it", path, core.ErrCorrupt, minSecret)
	}
	return secret, nil
}

// netrcFile writes a file that gives curl and others the secret, so that it need
// not stand in an argument list. remove takes it away.
func (p *Proxy) netrcFile(secret string, pl *place) (path string, remove func(), err error) {
	if secret == "" || p.opts.Dir == "" {
		return "", func() {}, nil
	}
	if err := os.MkdirAll(p.opts.Dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("proxy: %w", err)
	}
	f, err := os.CreateTemp(p.opts.Dir, "proxy-*") // 0600
	if err != nil {
		return "", nil, fmt.Errorf("proxy: %w", err)
	}
	path = filepath.Join(p.opts.Dir, "proxy-"+pl.port+".netrc")
	var hosts []string
	for _, host := range pl.hosts {
		hosts = append(hosts, strings.TrimSuffix(host, pl.suffix))
	}
	for _, t := range p.targets {
		if t.name != "" {
			hosts = append(hosts, t.name+".localhost")
		}
	}
	for _, host := range slices.Compact(hosts) {
		_, err = fmt.Fprintf(f, "machine %s login %s password %s\n", strings.Trim(host, "[]"), user, secret)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return "", nil, fmt.Errorf("proxy: %w", err)
	}
	return path, func() { _ = os.Remove(path) }, nil
}
