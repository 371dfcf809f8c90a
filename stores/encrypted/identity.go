package encrypted

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"filippo.io/age"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

const (
	// maxWorkFactor is the highest cost of a passphrase that is tried: four times
	// what age writes, which is two seconds and 1 GiB of memory.
	maxWorkFactor = 20

	// agePrefix begins every file that age encrypted.
	agePrefix = "age-encryption.org/"
)

// CreateIdentity makes an identity in the new file path, which only its owner can
// read. With a passphrase it is encrypted. A file that is there already is left
// alone, and the error wraps [core.ErrConflict].
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
	return create(ctx, path, sealed.Bytes())
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
	sealed []byte
	key    *Key
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

// Key implements [Keys]. The recipient is made of the identity: one that stands beside
// it, in a file that others can replace, would be that of anybody.
func (k *identityFile) Key(ctx context.Context, create bool) (*Key, error) {
	data, err := k.read(ctx)
	if errors.Is(err, core.ErrNotFound) && create {
		data, err = k.create(ctx)
	}
	switch {
	case errors.Is(err, core.ErrNotFound):
		return nil, k.lost()
	case err != nil:
		return nil, err
	case !bytes.HasPrefix(data, []byte(agePrefix)):
		return k.parse(data)
	}
	return k.unlock(ctx, data)
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
		key, err := NewKey(id)
		if err != nil {
			return nil, err
		}
		k.unlocked = unlocked{data, key}
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
func (k *identityFile) parse(text []byte) (*Key, error) {
	problem := "it does not hold one age identity"
	if bytes.Contains(text, []byte("AGE-PLUGIN-")) {
		problem = "it is an identity of an age plugin, whose private part cannot be read here"
	}
	// The errors of age may show a part of the text.
	ids, err := age.ParseIdentities(bytes.NewReader(text))
	if err == nil && len(ids) == 1 {
		if key, err := NewKey(ids[0]); err == nil {
			return key, nil
		}
	}
	return nil, &core.Error{Subject: k.path, Kind: core.ErrRefused, Problem: problem, Remedy: fault.CorrectSetting.On("identity")}
}

// unlock decrypts the identity with a passphrase that it asks for.
func (k *identityFile) unlock(ctx context.Context, sealed []byte) (key *Key, err error) {
	if bytes.Equal(sealed, k.unlocked.sealed) {
		return k.unlocked.key, nil
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
		key, err = k.parse(text)
		return err
	})
	if err == nil {
		k.unlocked = unlocked{sealed, key}
	}
	return key, err
}
