package encrypted

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

const (
	// recipientSuffix and the path of an identity file with a passphrase make
	// the path of the recipient.
	recipientSuffix = ".pub"

	// maxWorkFactor is the highest cost of a passphrase that is tried: four times
	// what age writes, which is two seconds and 1 GiB of memory.
	maxWorkFactor = 20

	// agePrefix begins every file that age encrypted.
	agePrefix = "age-encryption.org/"
)

// CreateIdentity makes an identity in the new file path, which only its owner can
// read. With a passphrase it is encrypted, and its recipient is in path.pub. A
// file that is there already is left alone, and the error wraps
// [core.ErrConflict].
func CreateIdentity(ctx context.Context, path string, passphrase core.Secret) error {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("make an identity: %w", err)
	}
	return keepIdentity(ctx, path, id, passphrase)
}

// keepIdentity writes an identity to the new file path.
func keepIdentity(ctx context.Context, path string, id *age.X25519Identity, passphrase core.Secret) error {
	text := fmt.Appendf(nil, "# public key: %s\n%s\n", id.Recipient(), id)
	if passphrase == "" {
		return create(ctx, path, text)
	}
	to, err := age.NewScryptRecipient(passphrase.Reveal())
	if err != nil {
		return fmt.Errorf("make an identity: %w", err)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return fmt.Errorf("encrypt the identity: %w", err)
	}
	if err := create(ctx, path, sealed.Bytes()); err != nil {
		return err
	}
	return putRecipient(ctx, path, id.Recipient().String())
}

// create writes a new private file.
func create(ctx context.Context, path string, data []byte) error {
	if err := privatefile.MakeDir(filepath.Dir(path), false); err != nil {
		return err
	}
	err := privatefile.Create(ctx, path, data)
	if errors.Is(err, core.ErrConflict) {
		return &core.Error{Subject: path, Kind: core.ErrConflict, Problem: "there is an identity already", Remedy: fault.Say("choose another path")}
	}
	return err
}

// putRecipient writes the recipient of the identity file path, whatever is there:
// the identity is what counts.
func putRecipient(ctx context.Context, path, recipient string) error {
	path += recipientSuffix
	return privatefile.Exclusively(ctx, path, func() error {
		return privatefile.Replace(path, []byte(recipient+"\n"))
	})
}

// ReadPrivate reads the file of a key, which may be given by a platform, for [Keys] of
// one's own; see package core/privatefile. If there is none, the error wraps
// [core.ErrNotFound]. Otherwise it is a [core.ErrRefused]: what is wrong with a key is
// wrong with no document, and must not have a sign-in set the document aside.
func ReadPrivate(_ context.Context, path string) ([]byte, error) {
	given, err := privatefile.ReadGiven(path)
	if err == nil {
		_, err = given.Secret()
	}
	var e *core.Error
	if err == nil || errors.Is(err, core.ErrNotFound) || !errors.As(err, &e) {
		return given.Data, err
	}
	own := *e
	own.Kind = core.ErrRefused
	if e.Kind != "" {
		own.Problem = e.Kind.Error() + ": " + e.Problem
	}
	return nil, &own
}

// An identityFile is a file with an age identity, which may have a passphrase.
type identityFile struct {
	path       string
	passphrase bool // the settings want one
	ask        Ask
	records    core.Lister // which would be lost with the identity
	unlocked   unlocked
}

// unlocked is what a passphrase was given for, so that it is not asked for again
// while that is the same.
type unlocked struct {
	sealed    []byte
	identity  age.Identity
	recipient age.Recipient
}

var _ Keys = (*identityFile)(nil)

// Protection implements [Keys].
func (k *identityFile) Protection() string {
	if k.passphrase {
		return "the key is in " + k.path + ", with a passphrase"
	}
	data, err := ReadPrivate(context.Background(), k.path)
	if err == nil && bytes.HasPrefix(data, []byte(agePrefix)) {
		return "the key is in " + k.path + ", with a passphrase"
	}
	return "the key is in " + k.path + ", which you alone can read"
}

// Recipient implements [Keys].
func (k *identityFile) Recipient(ctx context.Context) (age.Recipient, error) {
	data, err := k.read(ctx)
	if errors.Is(err, core.ErrNotFound) {
		data, err = k.create(ctx)
	}
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(data, []byte(agePrefix)) {
		_, recipient, err := k.parse(data)
		return recipient, err
	}
	text, err := ReadPrivate(ctx, k.path+recipientSuffix)
	if errors.Is(err, core.ErrNotFound) { // the file is not of CreateIdentity
		_, recipient, err := k.unlock(ctx, data)
		return recipient, err
	}
	if err != nil {
		return nil, err
	}
	return k.parseRecipient(text)
}

// Identity implements [Keys].
func (k *identityFile) Identity(ctx context.Context) (age.Identity, error) {
	data, err := k.read(ctx)
	if errors.Is(err, core.ErrNotFound) {
		return nil, k.lost()
	}
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(data, []byte(agePrefix)) {
		id, _, err := k.parse(data)
		return id, err
	}
	id, recipient, err := k.unlock(ctx, data)
	if err != nil {
		return nil, err
	}
	return id, k.checkRecipient(ctx, recipient)
}

// read reads the file, which must have a passphrase if the settings say so.
func (k *identityFile) read(ctx context.Context) ([]byte, error) {
	data, err := ReadPrivate(ctx, k.path)
	if err == nil && k.passphrase && !bytes.HasPrefix(data, []byte(agePrefix)) {
		return nil, &core.Error{
			Subject: k.path, Kind: core.ErrRefused, Problem: "the settings want a passphrase, and the identity has none",
			Remedy: fault.CorrectSetting.On("passphrase"),
		}
	}
	return data, err
}

// create makes the file, or reads the one that another process made meanwhile.
func (k *identityFile) create(ctx context.Context) ([]byte, error) {
	if k.records != nil {
		if keys, err := k.records.List(ctx); err != nil {
			return nil, err
		} else if len(keys) > 0 {
			// Another process may have made the identity, and saved, just now.
			data, err := k.read(ctx)
			if errors.Is(err, core.ErrNotFound) {
				err = k.lost()
			}
			return data, err
		}
	}
	var passphrase core.Secret
	if k.passphrase {
		var err error
		if passphrase, err = k.ask.choose(ctx, k.path); err != nil {
			return nil, err
		}
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("make an identity: %w", err)
	}
	err = keepIdentity(ctx, k.path, id, passphrase)
	if err != nil && !errors.Is(err, core.ErrConflict) {
		return nil, err
	}
	data, rerr := k.read(ctx)
	if err == nil && passphrase != "" && rerr == nil {
		// Whoever has just chosen a passphrase is not asked for it.
		k.unlocked = unlocked{data, id, id.Recipient()}
	}
	return data, rerr
}

// lost tells that documents are there and what opens them is not.
func (k *identityFile) lost() error {
	return &core.Error{
		Subject: k.path, Kind: core.ErrSealed, Problem: "the identity is gone, and only a copy of it opens the sessions",
		Remedy: fault.Forget.On(""),
	}
}

// parse reads an identity that is in clear.
func (k *identityFile) parse(text []byte) (age.Identity, age.Recipient, error) {
	// The errors of age may show a part of the text.
	ids, err := age.ParseIdentities(bytes.NewReader(text))
	if err == nil && len(ids) == 1 {
		switch id := ids[0].(type) {
		case *age.X25519Identity:
			return id, id.Recipient(), nil
		case *age.HybridIdentity:
			return id, id.Recipient(), nil
		}
	}
	return nil, nil, &core.Error{
		Subject: k.path, Kind: core.ErrRefused, Problem: "it does not hold one age identity",
		Remedy: fault.CorrectSetting.On("identity"),
	}
}

// unlock decrypts the identity with a passphrase that it asks for.
func (k *identityFile) unlock(ctx context.Context, sealed []byte) (id age.Identity, to age.Recipient, err error) {
	if bytes.Equal(sealed, k.unlocked.sealed) {
		return k.unlocked.identity, k.unlocked.recipient, nil
	}
	err = k.ask.unlock(ctx, k.path, func(passphrase core.Secret) error {
		with, err := age.NewScryptIdentity(passphrase.Reveal())
		if err != nil {
			return err
		}
		with.SetMaxWorkFactor(maxWorkFactor)
		text, err := decrypt(sealed, capped{with})
		var tooSlow *WorkFactorError
		var noMatch *age.NoIdentityMatchError
		switch {
		case errors.As(err, &tooSlow):
			return &core.Error{Subject: k.path, Err: err, Remedy: fault.Say("make the identity anew with a lower cost")}
		case errors.As(err, &noMatch):
			return errWrong
		case err != nil:
			return &core.Error{Subject: k.path, Kind: core.ErrRefused, Problem: "it is damaged", Err: err, Remedy: fault.Restore.On(k.path)}
		}
		id, to, err = k.parse(text)
		return err
	})
	if err == nil {
		k.unlocked = unlocked{sealed, id, to}
	}
	return id, to, err
}

// parseRecipient reads the file beside the identity.
func (k *identityFile) parseRecipient(text []byte) (age.Recipient, error) {
	tos, err := age.ParseRecipients(bytes.NewReader(text))
	if err != nil || len(tos) != 1 {
		return nil, &core.Error{
			Subject: k.path + recipientSuffix, Kind: core.ErrRefused, Problem: "it does not hold one age recipient",
			Remedy: fault.MoveAway.On(k.path + recipientSuffix),
		}
	}
	return tos[0], nil
}

// checkRecipient tells whether the file beside the identity has its recipient.
// Somebody who can put another one there would read what is written next.
func (k *identityFile) checkRecipient(ctx context.Context, want age.Recipient) error {
	text, err := ReadPrivate(ctx, k.path+recipientSuffix)
	if errors.Is(err, core.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(text)) != fmt.Sprint(want) {
		return &core.Error{
			Subject: k.path + recipientSuffix, Kind: core.ErrRefused, Problem: "it is not the recipient of the identity",
			Remedy: fault.MoveAway.On(k.path + recipientSuffix),
		}
	}
	return nil
}
