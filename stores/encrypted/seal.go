package encrypted

import (
	"bytes"
	"errors"
	"fmt"

	"filippo.io/age"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

const (
	// maxDocument is what a document may have, in bytes, as in the file store.
	maxDocument = 1 << 20

	// maxSealed leaves room for what age and the binding add.
	maxSealed = maxDocument + 64<<10
)

// seal encrypts a document with its header, and binds it to k.
func (k *Key) seal(h header, doc []byte) ([]byte, error) {
	if len(doc) > maxDocument {
		return nil, tooLarge(h.key, len(doc))
	}
	var b bytes.Buffer
	b.Grow(len(doc) + 1024)
	w, err := age.Encrypt(&b, k.recipient)
	if err == nil {
		_, err = w.Write(append(h.encode(), doc...))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("encrypt %q: %w", h.key, err)
	}
	return k.bind(h, b.Bytes()), nil
}

// A wanted document is the one of a key in a store. Its name is for errors.
type wanted struct {
	name, store, key string
	unbound          bool // it need not be bound
}

// unseal opens what seal made. A document is returned only if k made it, for the key
// that is wanted.
func (k *Key) unseal(want wanted, data []byte) (header, []byte, error) {
	if len(data) > maxSealed {
		return header{}, nil, tooLarge(want.name, len(data))
	}
	b, err := parseBinding(data)
	if err != nil {
		return header{}, nil, malformed(want.name, err)
	}
	plain, err := decrypt(b.sealed, k.identity)
	if err != nil {
		return header{}, nil, cannotDecrypt(want.name, err)
	}
	h, doc, err := parseHeader(plain)
	if err != nil {
		return header{}, nil, malformed(want.name, err)
	}
	bound := b.mac != "" && h.generation == b.generation && k.binds(h.store, h.key, b)
	switch {
	case !bound && !(want.unbound && b.mac == ""):
		return header{}, nil, notBound(want.name, b)
	case h.store != want.store || h.key != want.key:
		return header{}, nil, swapped(want, h)
	}
	return h, doc, nil
}

func decrypt(sealed []byte, with age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), with)
	if err != nil {
		return nil, err
	}
	var plain bytes.Buffer
	plain.Grow(len(sealed))
	_, err = plain.ReadFrom(r)
	return plain.Bytes(), err
}

// notBound tells that nobody knows who wrote a document.
func notBound(what string, b binding) error {
	problem := "it was changed, or written by somebody who does not have the key"
	if b.mac == "" {
		problem = "it is not bound to the key, so that anybody may have written it, or an earlier tokentoss"
	}
	return &core.Error{Subject: what, Kind: core.ErrCorrupt, Problem: problem}
}

func swapped(want wanted, h header) error {
	was := fmt.Sprintf("it is of the profile %q", h.key)
	if h.store != want.store {
		was = fmt.Sprintf("it is of the store %q", h.store)
	}
	return &core.Error{
		Subject: want.name, Kind: core.ErrCorrupt, Problem: "swapped: " + was + ", and was put here",
		Remedy: fault.Say("find out who did that, and sign in again"),
	}
}

// malformed tells that a document is not of the form that seal gives it.
func malformed(what string, err error) error {
	var newer versionError
	if errors.As(err, &newer) {
		return &core.Error{Subject: what, Kind: fault.Newer, Err: err, Remedy: fault.Update.On("tokentoss")}
	}
	return &core.Error{Subject: what, Kind: core.ErrCorrupt, Err: err}
}

// errOtherKey is a document that an identity does not open.
var errOtherKey = errors.New("it is encrypted for another key, or its beginning is damaged")

// cannotDecrypt tells why a document was not decrypted. Whether it is damaged or
// made for somebody else cannot be told apart where age has no name of the
// recipient in it.
func cannotDecrypt(what string, err error) error {
	var noMatch *age.NoIdentityMatchError
	var own *core.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &noMatch):
		return &core.Error{
			Subject: what, Kind: core.ErrCorrupt, Err: errOtherKey,
			Remedy: fault.Say("restore the key that was in use, or sign in again"),
		}
	}
	return &core.Error{Subject: what, Kind: core.ErrCorrupt, Problem: "it is not what was encrypted", Err: err}
}

func tooLarge(what string, size int) error {
	return &core.Error{Subject: what, Kind: core.ErrTooLarge, Problem: fmt.Sprintf("%d bytes; a session has at most %d", size, maxDocument)}
}
