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

	// maxSealed leaves room for what age adds.
	maxSealed = maxDocument + 64<<10
)

// seal encrypts a document with its header.
func seal(to age.Recipient, h header, doc []byte) ([]byte, error) {
	if len(doc) > maxDocument {
		return nil, tooLarge(h.key, len(doc))
	}
	var b bytes.Buffer
	b.Grow(len(doc) + 1024)
	w, err := age.Encrypt(&b, to)
	if err == nil {
		_, err = w.Write(append(h.encode(), doc...))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("encrypt %q: %w", h.key, err)
	}
	return b.Bytes(), nil
}

// unseal decrypts what seal made and returns the header, unchecked, and the
// document. The errors are about what.
func unseal(what string, sealed []byte, with age.Identity) (header, []byte, error) {
	if len(sealed) > maxSealed {
		return header{}, nil, tooLarge(what, len(sealed))
	}
	plain, err := decrypt(sealed, with)
	if err != nil {
		return header{}, nil, cannotDecrypt(what, err)
	}
	h, doc, err := parseHeader(plain)
	var newer versionError
	switch {
	case errors.As(err, &newer):
		return header{}, nil, &core.Error{
			Subject: what, Kind: fault.Newer, Err: err,
			Remedy: fault.Update.On("tokentoss"),
		}
	case err != nil:
		return header{}, nil, &core.Error{Subject: what, Kind: core.ErrCorrupt, Err: err}
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
			Remedy: fault.Say("bring back the key that was in use, or sign in again"),
		}
	}
	return &core.Error{Subject: what, Kind: core.ErrCorrupt, Problem: "it is not what was encrypted", Err: err}
}

func tooLarge(what string, size int) error {
	return &core.Error{Subject: what, Kind: core.ErrTooLarge, Problem: fmt.Sprintf("%d bytes; a session has at most %d", size, maxDocument)}
}
