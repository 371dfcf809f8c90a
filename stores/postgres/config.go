package postgres

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins/setting"
)

// Config says where the database is and what the documents are encrypted with. In JSON
// it has the names of the settings.
type Config struct {
	// URL is the address of the database, without a password. What it leaves out comes
	// from the variables of libpq, such as PGHOST, where the store may see them.
	URL string `json:"url,omitempty" about:"the database, such as postgres://ada@db.example.com/tokentoss"`

	// Password is that of the database user. Without it, PGPASSWORD and ~/.pgpass count.
	Password setting.Secret `json:"password,omitzero" about:"of the database user"`

	// Owner is whose rows these are; the database user when empty.
	Owner string `json:"owner,omitempty" about:"whose rows these are; the database user's if not set"`

	// Identity, Passphrase and SSHKey say what opens the documents, as in
	// [encrypted.Config]. All machines of a person have a copy of it.
	Identity   string `json:"identity,omitempty" about:"path of the age identity, which all of a person's machines have"`
	Passphrase bool   `json:"passphrase,omitempty" about:"the identity must have a passphrase"`
	SSHKey     string `json:"ssh_key,omitempty" about:"path of an SSH private key to use instead of an identity"`

	// Insecure allows a connection to another machine without TLS, or with a
	// certificate that is not checked. Whoever is in between can then change what is
	// stored.
	Insecure bool `json:"insecure,omitempty" about:"allow connections to other machines that are not protected by TLS"`

	// Timeout is how long the database has for an answer, such as "5s". Save and Lock try
	// for three times as long; where the store is a plugin, its own timeout, of 30 seconds,
	// must leave room for that.
	Timeout string `json:"request_timeout,omitempty" about:"how long the database has for an answer" default:"5s"`

	// LockTTL is after what time the lock of a machine that died is free, such as "15s".
	LockTTL string `json:"lock_ttl,omitempty" about:"when the lock of a machine that died is free" default:"15s"`

	// UnusedAfter is after what time a session is removed that nobody uses, such as
	// "2160h" for 90 days. Empty or "0": never. At least a day, since whoever has a
	// token does not ask for the session while it lasts.
	UnusedAfter string `json:"unused_after,omitempty" about:"after what time a session that nobody uses is removed, such as 2160h; never if not set"`
}

const (
	maxTime   = 10 * time.Minute // of a call, and of a lock
	minUnused = 24 * time.Hour
	maxUnused = 10 * 365 * 24 * time.Hour
)

// maxConnections bounds those of one process: a hub has thousands of processes.
const maxConnections = 4

// settings are a Config that was checked, with its defaults.
type settings struct {
	pool    *pgxpool.Config
	owner   string
	timeout time.Duration
	lockTTL time.Duration

	unusedAfter time.Duration // zero: never
}

// check fills in the defaults and reads the password.
func (c Config) check(ctx context.Context) (settings, error) {
	var s settings
	var err error
	if s.timeout, err = duration("request_timeout", c.Timeout, 5*time.Second, 100*time.Millisecond, maxTime); err != nil {
		return s, err
	}
	if s.lockTTL, err = duration("lock_ttl", c.LockTTL, 15*time.Second, time.Second, maxTime); err != nil {
		return s, err
	}
	if c.UnusedAfter != "" && c.UnusedAfter != "0" {
		if s.unusedAfter, err = duration("unused_after", c.UnusedAfter, 90*24*time.Hour, minUnused, maxUnused); err != nil {
			return s, err
		}
	}
	if s.pool, err = c.connection(); err != nil {
		return s, err
	}
	password, err := c.Password.Read(ctx)
	if err != nil {
		return s, err
	}
	if password != "" {
		s.pool.ConnConfig.Password = password.Reveal()
	}
	s.owner = cmp.Or(c.Owner, s.pool.ConnConfig.User)
	s.pool.ConnConfig.ConnectTimeout = s.timeout
	s.pool.MaxConns, s.pool.MinConns, s.pool.MaxConnIdleTime = maxConnections, 0, time.Minute
	return s, nil
}

// connection reads the URL. A connection to another machine is protected by TLS.
func (c Config) connection() (*pgxpool.Config, error) {
	address := c.URL
	if u, err := url.Parse(address); address != "" && (err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql") {
		// Without the text, in which somebody may have written a password.
		return nil, wrongSetting("url", "it is not the URL of a database", "write it as postgres://USER@HOST/DATABASE")
	} else if u != nil && u.User != nil {
		if _, has := u.User.Password(); has {
			return nil, wrongSetting("url", "there is a password in it", "set password = {file = PATH} instead")
		}
	}
	config, err := pgxpool.ParseConfig(address)
	if err == nil && !c.Insecure && !protected(config.ConnConfig) && !choosesTLS(address) {
		config, err = pgxpool.ParseConfig(withTLS(address))
	}
	if err != nil {
		return nil, wrongSetting("url", "it cannot be used, or a variable such as PGSSLMODE cannot", "write it as postgres://USER@HOST/DATABASE")
	}
	if !c.Insecure && !protected(config.ConnConfig) {
		return nil, wrongSetting("url", "the connection to another machine is not protected by TLS", "set sslmode=verify-full in it")
	}
	return config, nil
}

// choosesTLS tells whether the person has said how to use TLS.
func choosesTLS(address string) bool {
	return strings.Contains(address, "sslmode=") || os.Getenv("PGSSLMODE") != ""
}

func withTLS(address string) string {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return "sslmode=verify-full"
	}
	q := u.Query()
	q.Set("sslmode", "verify-full")
	u.RawQuery = q.Encode()
	return u.String()
}

// protected tells whether each of the hosts is this machine, or is known by its
// certificate.
func protected(c *pgx.ConnConfig) bool {
	hosts := []*pgconn.FallbackConfig{{Host: c.Host, TLSConfig: c.TLSConfig}}
	for _, h := range append(hosts, c.Fallbacks...) {
		verified := h.TLSConfig != nil && (!h.TLSConfig.InsecureSkipVerify || h.TLSConfig.VerifyPeerCertificate != nil)
		if !verified && !local(h.Host) {
			return false
		}
	}
	return true
}

// local tells whether host is this machine: a socket's directory, localhost (RFC 6761
// section 6.3), or a loopback address.
func local(host string) bool {
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func duration(name, text string, def, least, most time.Duration) (time.Duration, error) {
	if text == "" {
		return def, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > most {
		return 0, wrongSetting(name, fmt.Sprintf("%q is not a time between %v and %v", text, least, most), fmt.Sprintf("write it as %q", def))
	}
	return d, nil
}

func wrongSetting(name, problem, fix string) error {
	return &fault.Error{Subject: "setting " + name, Problem: problem, Kind: fault.BadConfig, Remedy: fault.Say("%s", fix)}
}
