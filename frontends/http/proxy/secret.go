package proxy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// secretFile keeps the secret for SecretKeep.
const secretFile = "proxy-secret"

// secret returns that of a run.
func (p *Proxy) secret(ctx context.Context) (string, error) {
	switch p.config.Secret {
	case SecretNone:
		return "", nil
	case SecretKeep:
		return keptSecret(ctx, filepath.Join(p.opts.Dir, secretFile))
	}
	return rand.Text(), nil
}

// keptSecret reads the secret in a file, or makes it.
func keptSecret(ctx context.Context, path string) (string, error) {
	if err := privatefile.MakeDir(filepath.Dir(path), true); err != nil {
		return "", err
	}
	text, _, err := privatefile.Read(path)
	if errors.Is(err, fault.NotFound) {
		secret := rand.Text()
		err = privatefile.Create(ctx, path, []byte(secret+"\n"))
		if !errors.Is(err, fault.Conflict) {
			return secret, err
		}
		text, _, err = privatefile.Read(path) // another run made it just now
	}
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(text))
	if len(secret) < minSecret || strings.Trim(secret, secretLetters) != "" {
		return "", &fault.Error{Subject: path, Kind: fault.Corrupt, Problem: fmt.Sprintf("it has no secret of at least %d letters and digits", minSecret), Remedy: fault.MoveAway.On(path)}
	}
	return secret, nil
}

// A credentials file gives a tool the secret, so that it need not stand in an argument
// list.
type credentialsFile struct{ suffix, line string }

// credentialsFiles are written for the time of a run. That for curl --netrc-file knows
// no ports; that for git's helper "store" does.
var credentialsFiles = []credentialsFile{
	{".netrc", "machine {name} login {user} password {secret}\n"},
	{".git-credentials", "http://{user}:{secret}@{host}\n"},
}

// writeCredentials writes the files, for hosts with and without their ports. remove takes
// them away.
func (p *Proxy) writeCredentials(secret, port string, hosts []string) (netrc, git string, remove func(), err error) {
	if secret == "" || p.opts.Dir == "" {
		return "", "", func() {}, nil
	}
	if err := privatefile.MakeDir(p.opts.Dir, true); err != nil {
		return "", "", nil, err
	}
	var paths []string
	remove = func() {
		for _, path := range paths {
			_ = os.Remove(path)
		}
	}
	for _, f := range credentialsFiles {
		var lines []string
		for _, host := range hosts {
			line := strings.NewReplacer("{name}", strings.Trim(strings.TrimSuffix(host, ":"+port), "[]"), "{host}", host, "{user}", user, "{secret}", secret).Replace(f.line)
			if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
		path := filepath.Join(p.opts.Dir, "proxy-"+port+f.suffix)
		paths = append(paths, path)
		if err := privatefile.ReplaceOutput(path, func([]byte) ([]byte, error) { return []byte(strings.Join(lines, "")), nil }); err != nil {
			remove()
			return "", "", nil, err
		}
	}
	return paths[0], paths[1], remove, nil
}
