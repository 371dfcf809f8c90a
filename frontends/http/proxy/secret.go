package proxy

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tokentoss/tokentoss/core"
)

const (
	// user is the name that goes with the secret where a tool wants one. Any other
	// will do.
	user = "tokentoss"

	// secretHeader carries the secret.
	secretHeader = "Tokentoss-Secret"

	// cookiePrefix begins the names of the cookies of all proxies. Browsers send
	// them to every port of a host, so the name has the port.
	cookiePrefix = "tokentoss-proxy-"

	// secretFile keeps the secret for SecretKeep.
	secretFile = "proxy-secret"

	// ownPath begins the paths that are the proxy's own.
	ownPath = "/~tokentoss/"

	// openPath is followed by the code of a link for a browser.
	openPath = ownPath + "open/"
)

// A keyhole knows what opens the proxy.
type keyhole struct {
	secret string // empty: the proxy is open
	basic  string // the header that most tools send for it
	path   string // the first segment of a path, with its slash
	cookie string // name and value

	mu    sync.Mutex
	links map[string]string // by code: the origin that it is for
}

// newKeyhole makes what opens a proxy. port tells the cookies of proxies apart.
func newKeyhole(secret, port string) *keyhole {
	k := &keyhole{secret: secret, links: make(map[string]string)}
	if secret != "" {
		k.basic = "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+secret))
		k.path = "/~" + secret
		// Not the secret itself: browsers show cookies to every port of the host.
		k.cookie = cookiePrefix + port + "=" + rand.Text()
	}
	return k
}

// open tells whether a request shows the secret. base is the part of its path that
// did so, if that was it.
func (k *keyhole) open(h http.Header, path string) (base string, ok bool) {
	if k.secret == "" {
		return "", true
	}
	if strings.HasPrefix(path, "/~") {
		segment := path
		if end := strings.IndexByte(path[1:], '/'); end >= 0 {
			segment = path[:end+1]
		}
		if same(segment, k.path) {
			return segment, true
		}
	}
	for _, v := range h[secretHeader] {
		if same(v, k.secret) {
			return "", true
		}
	}
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		for _, v := range h[name] {
			if k.isBasic(v) {
				return "", true
			}
		}
	}
	for _, line := range h["Cookie"] {
		for part := range strings.SplitSeq(line, ";") {
			if same(strings.TrimSpace(part), k.cookie) {
				return "", true
			}
		}
	}
	return "", false
}

// isBasic tells whether an Authorization is the secret, for any user.
func (k *keyhole) isBasic(v string) bool {
	if k.secret == "" {
		return false
	}
	if same(v, k.basic) {
		return true
	}
	scheme, coded, _ := strings.Cut(v, " ")
	if !strings.EqualFold(scheme, "Basic") || len(coded) > 1024 {
		return false
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(coded))
	if err != nil {
		return false
	}
	_, password, _ := strings.Cut(string(text), ":")
	return same(password, k.secret)
}

// strip takes everything that is the proxy's own off the headers that go on.
func (k *keyhole) strip(h http.Header) {
	delete(h, secretHeader)
	if v := h["Authorization"]; len(v) > 0 && k.isBasic(v[0]) {
		delete(h, "Authorization")
	}
	if lines, ok := h["Cookie"]; ok {
		if lines = withoutOwn(lines); len(lines) == 0 {
			delete(h, "Cookie")
		} else {
			h["Cookie"] = lines
		}
	}
}

// withoutOwn takes the cookies of this and other proxies off. What it returns may
// be lines itself.
func withoutOwn(lines []string) []string {
	if !strings.Contains(strings.Join(lines, ";"), cookiePrefix) {
		return lines
	}
	var kept []string
	for _, line := range lines {
		var parts []string
		for part := range strings.SplitSeq(line, ";") {
			if part = strings.TrimSpace(part); part != "" && !strings.HasPrefix(part, cookiePrefix) {
				parts = append(parts, part)
			}
		}
		if len(parts) > 0 {
			kept = append(kept, strings.Join(parts, "; "))
		}
	}
	return kept
}

// link returns a path that gives one browser the cookie, once.
func (k *keyhole) link(origin string) string {
	code := rand.Text()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.links[code] = origin
	return openPath + code
}

// use spends the code of a link.
func (k *keyhole) use(code, origin string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.links[code] != origin {
		return false
	}
	delete(k.links, code)
	return true
}

// same compares in a time that does not depend on where two texts differ.
func same(a, b string) bool {
	return len(a) == len(b) && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

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

const (
	minSecret     = 20
	secretLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

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
