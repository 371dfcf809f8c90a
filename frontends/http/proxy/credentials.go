package proxy

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// A credentials file gives a tool the secret, so that it need not stand in an argument
// list.
type credentialsFile struct{ suffix, line string }

// credentialsFiles are written for the time of a run. That for curl --netrc-file knows
// no ports; that for git's helper "store", which [Running] reads too, does.
var credentialsFiles = []credentialsFile{
	{".netrc", "machine {name} login {user} password {secret}\n"},
	{gitSuffix, "http://{user}:{secret}@{host}\n"},
}

const gitSuffix = ".git-credentials"

// credentialsPath is where a proxy at a port keeps a file.
func credentialsPath(dir, port, suffix string) string {
	return filepath.Join(dir, "proxy-"+port+suffix)
}

// lockTimeout is how long a run waits for who looks whether another one holds the lock.
const lockTimeout = 5 * time.Second

// writeCredentials writes the files, for hosts with and without their ports. remove takes
// them away. Until then, a lock says that they are those of a proxy that runs. Where nothing
// can be written, as in a container, there are none: the secret is on the terminal.
func (p *Proxy) writeCredentials(ctx context.Context, secret, port string, hosts []string) (netrc, git string, remove func(), err error) {
	if secret == "" || p.opts.Dir == "" {
		return "", "", func() {}, nil
	}
	if err := privatefile.MakeDir(p.opts.Dir, true); errors.Is(err, fault.ReadOnly) {
		return "", "", func() {}, nil
	} else if err != nil {
		return "", "", nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	unlock, err := privatefile.Lock(ctx, credentialsPath(p.opts.Dir, port, gitSuffix))
	if err != nil {
		return "", "", nil, err
	}
	var paths []string
	remove = func() {
		for _, path := range paths {
			_ = os.Remove(path)
		}
		_ = unlock()
	}
	for _, f := range credentialsFiles {
		var lines []string
		for _, host := range hosts {
			line := strings.NewReplacer("{name}", strings.Trim(strings.TrimSuffix(host, ":"+port), "[]"), "{host}", host, "{user}", user, "{secret}", secret).Replace(f.line)
			if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
		path := credentialsPath(p.opts.Dir, port, f.suffix)
		paths = append(paths, path)
		if err := privatefile.ReplaceOutput(path, func([]byte) ([]byte, error) { return []byte(strings.Join(lines, "")), nil }); err != nil {
			remove()
			return "", "", nil, err
		}
	}
	return paths[0], paths[1], remove, nil
}

// A Credential is what a tool shows to a proxy that runs, as a user name and a password.
type Credential struct {
	Host   string // as in a URL, with the port
	User   string
	Secret core.Secret
}

// Running returns what is shown to the proxies that run with the directory dir and have a
// secret: one for each of their hosts, those by which targets are reached by path first.
// What a proxy left that was killed does not count: whoever listens there now could use it.
func Running(dir string) ([]Credential, error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var list []Credential
	for _, f := range files {
		if ok, _ := filepath.Match("proxy-*"+gitSuffix, f.Name()); !ok {
			continue
		}
		path := filepath.Join(dir, f.Name())
		if running, err := privatefile.Locked(path); err != nil {
			return nil, err
		} else if !running {
			continue
		}
		data, _, err := privatefile.Read(path)
		if errors.Is(err, fault.NotFound) { // it has just ended
			continue
		}
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(data)) {
			u, err := url.Parse(strings.TrimSpace(line))
			if err != nil || u.User == nil {
				continue
			}
			secret, _ := u.User.Password()
			list = append(list, Credential{Host: u.Host, User: u.User.Username(), Secret: core.Secret(secret)})
		}
	}
	return list, nil
}
