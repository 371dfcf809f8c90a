package encrypted

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"golang.org/x/crypto/ssh"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// An sshKey is a private key of the user, ed25519 or RSA, which may have a
// passphrase.
type sshKey struct {
	path     string
	ask      Ask
	unlocked unlocked
}

var _ Keys = (*sshKey)(nil)

// Protection implements [Keys].
func (k *sshKey) Protection() string {
	text := "the key is the SSH key " + k.path
	data, err := k.read(context.Background())
	if err != nil {
		return text
	}
	var locked *ssh.PassphraseMissingError
	if _, err := ssh.ParseRawPrivateKey(data); errors.As(err, &locked) {
		return text + ", with a passphrase"
	}
	return text + ", which you alone can read"
}

// Key implements [Keys]. It makes none.
func (k *sshKey) Key(ctx context.Context, _ bool) (*Key, error) {
	data, err := k.read(ctx)
	if err != nil {
		return nil, err
	}
	raw, err := ssh.ParseRawPrivateKey(data)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return k.unlock(ctx, data)
	case err != nil:
		return nil, k.unusable(err)
	}
	return k.key(raw)
}

// unlock decrypts the key with a passphrase that it asks for.
func (k *sshKey) unlock(ctx context.Context, sealed []byte) (key *Key, err error) {
	if bytes.Equal(sealed, k.unlocked.sealed) {
		return k.unlocked.key, nil
	}
	err = k.ask.unlock(ctx, k.path, func(passphrase core.Secret) error {
		raw, err := ssh.ParseRawPrivateKeyWithPassphrase(sealed, []byte(passphrase.Reveal()))
		switch {
		case errors.Is(err, x509.IncorrectPasswordError):
			return errWrong
		case err != nil:
			return k.unusable(err)
		}
		key, err = k.key(raw)
		return err
	})
	if err == nil {
		k.unlocked = unlocked{sealed, key}
	}
	return key, err
}

func (k *sshKey) key(raw any) (*Key, error) {
	key, err := NewKey(raw)
	if err != nil {
		return nil, k.unusable(err)
	}
	return key, nil
}

// read reads the file. An SSH key is not made here.
func (k *sshKey) read(ctx context.Context) ([]byte, error) {
	data, err := ReadPrivate(ctx, k.path)
	if errors.Is(err, core.ErrNotFound) {
		return nil, &core.Error{Subject: k.path, Kind: core.ErrSealed, Problem: "there is no SSH key", Remedy: fault.CorrectSetting.On("ssh_key")}
	}
	if err != nil {
		return nil, err
	}
	if reason := notReadable(data); reason != "" {
		return nil, k.unusable(errors.New(reason))
	}
	return data, nil
}

// notReadable says why there is no private part in a file, or that it is no key.
func notReadable(data []byte) string {
	block, _ := pem.Decode(data)
	switch {
	case bytes.HasPrefix(data, []byte("ssh-")), bytes.HasPrefix(data, []byte("ecdsa-")), bytes.HasPrefix(data, []byte("sk-")):
		return "it is a public key: the private part, which an agent may have, cannot be read here"
	case block == nil || !bytes.Contains([]byte(block.Type), []byte("PRIVATE KEY")):
		return "not a private key"
	case bytes.Contains(block.Bytes, []byte("sk-ssh-ed25519@openssh.com")), bytes.Contains(block.Bytes, []byte("sk-ecdsa-sha2-nistp256@openssh.com")):
		return "the private part of a FIDO key never leaves its device, and cannot be read here"
	}
	return ""
}

func (k *sshKey) unusable(err error) error {
	return &core.Error{
		Subject: k.path, Kind: core.ErrRefused, Problem: "not an ed25519 or RSA key that can be used", Err: err,
		Remedy: fault.CorrectSetting.On("ssh_key"),
	}
}
