package keyring

import (
	"context"
	"errors"
	"strings"

	"filippo.io/age"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/stores/encrypted"
	"github.com/tokentoss/tokentoss/stores/file"
)

// keys are an identity in the keyring. They are asked for one thing at a time.
type keys struct {
	recipient *file.Store // the file that says which identity it is
	records   core.Lister // which would be lost with the identity
	ring      *ring
	identity  *age.X25519Identity // when it was had
}

var _ encrypted.Keys = (*keys)(nil)

// errNoKey is that there is no key yet, or no more.
var errNoKey = errors.New("there is no key")

// Protection implements [encrypted.Keys].
func (k *keys) Protection() string { return "the key is in the " + k.ring.String() }

// Key implements [encrypted.Keys].
func (k *keys) Key(ctx context.Context, create bool) (*encrypted.Key, error) {
	id, err := k.read(ctx)
	if errors.Is(err, errNoKey) && create {
		id, err = k.create(ctx)
	}
	if err != nil {
		return nil, k.lost(err)
	}
	return encrypted.NewKey(id)
}

// read gets the identity from the keyring.
func (k *keys) read(ctx context.Context) (*age.X25519Identity, error) {
	path := k.recipient.Path(core.DefaultKey)
	text, err := encrypted.ReadPrivate(ctx, path)
	if errors.Is(err, core.ErrNotFound) {
		return nil, errNoKey
	}
	if err != nil {
		return nil, err
	}
	to, err := age.ParseX25519Recipient(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, &core.Error{
			Subject: path, Kind: core.ErrRefused, Problem: "it does not hold an age recipient",
			Remedy: fault.Say("bring it back; it is the last word of the name of the item in the keyring"),
		}
	}
	if k.identity != nil && k.identity.Recipient().String() == to.String() {
		return k.identity, nil
	}
	secret, err := k.ring.get(ctx, itemName(to))
	if err != nil {
		return nil, err
	}
	id, err := age.ParseX25519Identity(secret.Reveal())
	if err != nil || id.Recipient().String() != to.String() {
		// The error of age may show a part of the text.
		return nil, &core.Error{
			Subject: k.ring.String(), Kind: core.ErrRefused, Problem: "the item " + itemName(to) + " is not the key",
			Remedy: fault.Say("find out what changed it, and bring the key back"),
		}
	}
	k.identity = id
	return id, nil
}

// create makes an identity, unless another process has made one meanwhile or
// there are documents for one that is gone.
func (k *keys) create(ctx context.Context) (*age.X25519Identity, error) {
	lease, err := k.recipient.Lock(ctx, core.DefaultKey)
	if err != nil {
		return nil, err
	}
	defer lease.Release()
	id, err := k.read(ctx)
	if !errors.Is(err, errNoKey) {
		return id, err
	}
	switch names, err := k.records.List(ctx); {
	case err != nil:
		return nil, err
	case len(names) > 0:
		return nil, k.lost(errNoKey)
	}
	if id, err = age.GenerateX25519Identity(); err != nil {
		return nil, err
	}
	// The keyring first: a file without an item would look like a lost key.
	if err := k.ring.set(ctx, itemName(id.Recipient()), core.Secret(id.String())); err != nil {
		return nil, err
	}
	if err := k.point(ctx, id.Recipient()); err != nil {
		return nil, err
	}
	// Whether the keyring kept it is known when it gives it back.
	id, err = k.read(ctx)
	return id, k.lost(err)
}

// point writes which key is in use.
func (k *keys) point(ctx context.Context, to *age.X25519Recipient) error {
	old, err := k.recipient.Load(ctx, core.DefaultKey)
	if err != nil && !errors.Is(err, core.ErrNotFound) {
		return err
	}
	old.Data = []byte(to.String() + "\n")
	_, err = k.recipient.Save(ctx, core.DefaultKey, old)
	return err
}

// lost tells that the key is gone, if that is what err is.
func (k *keys) lost(err error) error {
	if !errors.Is(err, errNoKey) {
		return err
	}
	return &core.Error{
		Subject: k.ring.String(), Kind: core.ErrSealed,
		Problem: "it has not the key that the sessions beside " + k.recipient.Path(core.DefaultKey) + " are encrypted for",
		Remedy:  fault.Forget.On(""),
	}
}

// itemName is the name of the item that has the identity of a recipient.
func itemName(to *age.X25519Recipient) string { return "tokentoss " + to.String() }
