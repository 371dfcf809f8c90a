package etcd

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// Config says where etcd is, how to speak to it, and what the documents are
// encrypted with. In JSON it has the names of the settings. Paths are absolute,
// or begin with "~/".
type Config struct {
	// Endpoints are the members' client URLs. One is enough; with all of them the
	// loss of a member is not noticed.
	Endpoints []string `json:"endpoints" about:"URLs of etcd's members, such as https://etcd-1.example.com:2379"`

	// Prefix is where the person's documents are; see the package's
	// documentation. Empty means "/tokentoss/" and Username.
	Prefix string `json:"prefix,omitempty" about:"where the sessions are in etcd; /tokentoss/USERNAME if not set"`

	// Identity, Passphrase and SSHKey say what opens the documents, as in
	// [encrypted.Config]. All machines of a person have a copy of it.
	Identity   string `json:"identity,omitempty" about:"path of the age identity, which all of a person's machines have"`
	Passphrase bool   `json:"passphrase,omitempty" about:"the identity must have a passphrase"`
	SSHKey     string `json:"ssh_key,omitempty" about:"path of an SSH private key to use instead of an identity"`

	// AcceptUnbound is for a migration that a person watches; see
	// [encrypted.AcceptUnbound].
	AcceptUnbound bool `json:"accept_unbound,omitempty" about:"set by a migration that a person watches; refused in config.toml"`

	// CAFile has the certificates, in PEM, of who may sign the members'; empty
	// means those of the system.
	CAFile string `json:"ca_file,omitempty" about:"path of the CA of the members' certificates"`

	// CertFile and KeyFile are a certificate for this client and its key, in
	// PEM, for members that want one. They are read for each connection, so that
	// they may be renewed. The key must be private: mode 0600 or less.
	CertFile string `json:"cert_file,omitempty" about:"path of this client's certificate"`
	KeyFile  string `json:"key_file,omitempty" about:"path of its key"`

	// Username and PasswordFile authenticate to etcd, if it wants that. The
	// password is the first line of the file, which must be private.
	Username     string `json:"username,omitempty" about:"user of etcd"`
	PasswordFile string `json:"password_file,omitempty" about:"path of a private file with the password"`

	// Insecure allows http endpoints that are not loopback addresses. Whoever is
	// in between then sees the password, and can change what is stored.
	Insecure bool `json:"insecure,omitempty" about:"allow plain http to other machines"`

	// RequestTimeout is how long etcd has for an answer, such as "5s", which is
	// the default. Save and Lock try for three times as long; where the store is a
	// plugin, its own timeout, of 30 seconds, must leave room for that.
	RequestTimeout string `json:"request_timeout,omitempty" about:"how long etcd has for an answer; 5s if not set"`

	// LockTTL is after what time the lock of a machine that died is free; "15s"
	// when empty. Whole seconds, at least two.
	LockTTL string `json:"lock_ttl,omitempty" about:"when the lock of a machine that died is free; 15s if not set"`

	// UnusedAfter is after what time a session is removed that nobody uses, such as
	// "2160h" for 90 days. Empty or "0": never. At least a day, since whoever has a
	// token does not ask for the session while it lasts.
	UnusedAfter string `json:"unused_after,omitempty" about:"after what time a session that nobody uses is removed, such as 2160h; never if not set"`
}

const (
	defaultTimeout = 5 * time.Second
	defaultLockTTL = 15 * time.Second
	minLockTTL     = 2 * time.Second
	maxTime        = 10 * time.Minute

	minUnused = 24 * time.Hour
	maxUnused = 10 * 365 * 24 * time.Hour
)

// Settings are a Config that was checked, with its defaults.
type settings struct {
	Config
	endpoints []string
	secure    bool          // https
	prefix    string        // ends in a slash
	timeout   time.Duration // of a call
	lockTTL   time.Duration

	unusedAfter time.Duration
}

// check fills in the defaults.
func (c Config) check() (settings, error) {
	s := settings{Config: c}
	var err error
	if s.timeout, err = duration("request_timeout", c.RequestTimeout, defaultTimeout, 100*time.Millisecond, maxTime); err != nil {
		return s, err
	}
	if s.lockTTL, err = duration("lock_ttl", c.LockTTL, defaultLockTTL, minLockTTL, maxTime); err != nil {
		return s, err
	}
	if s.lockTTL%time.Second != 0 {
		return s, wrongSetting("lock_ttl", fmt.Sprintf("%q is not whole seconds", c.LockTTL), "write it as 15s")
	}
	if c.UnusedAfter != "" && c.UnusedAfter != "0" {
		if s.unusedAfter, err = duration("unused_after", c.UnusedAfter, 90*24*time.Hour, minUnused, maxUnused); err != nil {
			return s, err
		}
	}
	if err := s.checkEndpoints(); err != nil {
		return s, err
	}
	if err := s.checkPrefix(); err != nil {
		return s, err
	}
	if err := s.checkFiles(); err != nil {
		return s, err
	}
	return s, nil
}

func duration(name, text string, def, least, most time.Duration) (time.Duration, error) {
	if text == "" {
		return def, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > most {
		return 0, wrongSetting(name, fmt.Sprintf("%q is not a time between %v and %v", text, least, most), "write it as "+def.String())
	}
	return d, nil
}

// checkEndpoints checks the URLs. Schemes may not be mixed: etcd's client would
// use TLS for all of them or for none.
func (s *settings) checkEndpoints() error {
	if len(s.Endpoints) == 0 {
		return wrongSetting("endpoints", "none is given", `set endpoints = ["https://HOST:2379"]`)
	}
	for i, endpoint := range s.Endpoints {
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			// Without the text, in which somebody may have written a password.
			return wrongSetting("endpoints", fmt.Sprintf("number %d is not a URL of a scheme, a host and a port", i+1), "write it as https://HOST:2379")
		}
		secure := u.Scheme == "https"
		switch {
		case !secure && u.Scheme != "http":
			return wrongSetting("endpoints", fmt.Sprintf("%s: the scheme is neither https nor http", endpoint), "write it as https://HOST:2379")
		case i > 0 && secure != s.secure:
			return wrongSetting("endpoints", "some are https and some are http", "make all of them https")
		case !secure && !s.Insecure && !loopback(u.Hostname()):
			return wrongSetting("endpoints", fmt.Sprintf("%s: plain http to another machine", endpoint), "use https, or set insecure = true")
		}
		s.secure = secure
		s.endpoints = append(s.endpoints, u.Scheme+"://"+u.Host)
	}
	return nil
}

// loopback tells whether host is this machine. Of the names only localhost is
// taken for it (RFC 6761 section 6.3); any other could be made to lead elsewhere.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func (s *settings) checkPrefix() error {
	prefix := s.Prefix
	if prefix == "" && s.Username != "" && !strings.Contains(s.Username, "/") {
		prefix = "/tokentoss/" + s.Username
	}
	prefix = strings.TrimRight(prefix, "/")
	switch odd := func(r rune) bool { return !unicode.IsPrint(r) }; {
	case prefix == "":
		return wrongSetting("prefix", "neither a prefix nor a user name is given, and people must not share one", "set prefix = \"/tokentoss/YOU\"")
	case prefix[0] != '/', slices.Contains(strings.Split(prefix, "/")[1:], ""), strings.ContainsFunc(prefix, odd):
		return wrongSetting("prefix", fmt.Sprintf("%q is not a path", prefix), "write it as /tokentoss/YOU")
	}
	s.prefix = prefix + "/"
	return nil
}

// checkFiles checks which files are named, not what is in them, and makes their
// paths absolute.
func (s *settings) checkFiles() error {
	switch {
	case !s.secure && (s.CAFile != "" || s.CertFile != "" || s.KeyFile != ""):
		return wrongSetting("ca_file, cert_file, key_file", "the endpoints are plain http", "make the endpoints https")
	case (s.CertFile == "") != (s.KeyFile == ""):
		return wrongSetting("cert_file, key_file", "one is given without the other", "set both")
	case (s.Username == "") != (s.PasswordFile == ""):
		return wrongSetting("username, password_file", "one is given without the other", "set both")
	}
	for name, path := range map[string]*string{
		"ca_file": &s.CAFile, "cert_file": &s.CertFile, "key_file": &s.KeyFile, "password_file": &s.PasswordFile,
	} {
		if *path == "" {
			continue
		}
		if !filepath.IsAbs(*path) && !strings.HasPrefix(*path, "~") {
			return wrongSetting(name, fmt.Sprintf("%q is relative", *path), "write an absolute path")
		}
		abs, err := privatefile.Resolve(*path, "")
		if err != nil {
			return &fault.Error{Subject: "setting " + name, Err: err, Remedy: fault.RemedyOf(err)}
		}
		*path = abs
	}
	return nil
}

// hosts names the endpoints in errors.
func (s *settings) hosts() string {
	var hosts []string
	for _, endpoint := range s.endpoints {
		u, _ := url.Parse(endpoint)
		host, port, err := net.SplitHostPort(u.Host)
		if err != nil {
			host, port = u.Host, ""
		}
		hosts = append(hosts, strings.TrimSuffix(net.JoinHostPort(host, port), ":"))
	}
	return strings.Join(hosts, ", ")
}
