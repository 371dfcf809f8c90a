package encrypted

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"

	"filippo.io/age"
	"filippo.io/age/agessh"
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

// Recipient implements [Keys]. It needs no passphrase.
func (k *sshKey) Recipient(ctx context.Context) (age.Recipient, error) {
	data, err := k.read(ctx)
	if err != nil {
		return nil, err
	}
	raw, err := ssh.ParseRawPrivateKey(data)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked) && locked.PublicKey != nil:
		return k.recipient(locked.PublicKey)
	case errors.As(err, &locked):
		return nil, &core.Error{
			Subject: k.path, Kind: core.ErrRefused, Problem: "its old format hides the public key; changing the passphrase writes the present one",
			Remedy: fault.Run.On("ssh-keygen -p -f " + k.path),
		}
	case err != nil:
		return nil, k.unusable(err)
	}
	signer, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return nil, k.unusable(err)
	}
	return k.recipient(signer.PublicKey())
}

func (k *sshKey) recipient(public ssh.PublicKey) (age.Recipient, error) {
	var to age.Recipient
	err := errors.New(public.Type())
	switch public.Type() {
	case ssh.KeyAlgoED25519:
		to, err = agessh.NewEd25519Recipient(public)
	case ssh.KeyAlgoRSA:
		to, err = agessh.NewRSARecipient(public)
	}
	if err != nil {
		return nil, k.unusable(err)
	}
	return to, nil
}

// Identity implements [Keys].
func (k *sshKey) Identity(ctx context.Context) (age.Identity, error) {
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
	return k.identity(raw)
}

// unlock decrypts the key with a passphrase that it asks for.
func (k *sshKey) unlock(ctx context.Context, sealed []byte) (id age.Identity, err error) {
	if bytes.Equal(sealed, k.unlocked.sealed) {
		return k.unlocked.identity, nil
	}
	err = k.ask.unlock(ctx, k.path, func(passphrase core.Secret) error {
		raw, err := ssh.ParseRawPrivateKeyWithPassphrase(sealed, []byte(passphrase.Reveal()))
		switch {
		case errors.Is(err, x509.IncorrectPasswordError):
			return errWrong
		case err != nil:
			return k.unusable(err)
		}
		id, err = k.identity(raw)
		return err
	})
	if err == nil {
		k.unlocked = unlocked{sealed: sealed, identity: id}
	}
	return id, err
}

func (k *sshKey) identity(raw any) (age.Identity, error) {
	var id age.Identity
	err := errors.New("another kind of key")
	switch key := raw.(type) {
	case *ed25519.PrivateKey:
		id, err = agessh.NewEd25519Identity(*key)
	case ed25519.PrivateKey:
		id, err = agessh.NewEd25519Identity(key)
	case *rsa.PrivateKey:
		id, err = agessh.NewRSAIdentity(key)
	}
	if err != nil {
		return nil, k.unusable(err)
	}
	return id, nil
}

// read reads the file. An SSH key is not made here.
func (k *sshKey) read(ctx context.Context) ([]byte, error) {
	data, err := ReadPrivate(ctx, k.path)
	if errors.Is(err, core.ErrNotFound) {
		return nil, &core.Error{Subject: k.path, Kind: core.ErrSealed, Problem: "there is no SSH key", Remedy: fault.CorrectSetting.On("ssh_key")}
	}
	if err == nil && !bytes.Contains(data, []byte("PRIVATE KEY-----")) {
		return nil, k.unusable(errors.New("not a private key"))
	}
	return data, err
}

func (k *sshKey) unusable(err error) error {
	return &core.Error{
		Subject: k.path, Kind: core.ErrRefused, Problem: "not an ed25519 or RSA key that can be used", Err: err,
		Remedy: fault.CorrectSetting.On("ssh_key"),
	}
}
