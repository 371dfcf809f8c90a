package proxy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
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
