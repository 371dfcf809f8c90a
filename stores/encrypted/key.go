package encrypted

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"
)

// A Key is a private key: documents are encrypted for it, opened with it, and bound to
// it. Anybody can encrypt a document for a public key; nobody but who has the private
// one can bind a document, so that it is known who wrote it.
type Key struct {
	identity  age.Identity
	recipient age.Recipient
	mac       []byte // the key of the MAC
}

// The salt and the label of HKDF (RFC 5869), with which the key of the MAC is made of
// the private key. They are kept compatible: another one would make all documents those
// of somebody else.
const (
	macSalt  = "tokentoss/encrypted"
	macLabel = "binding of documents 1, "
)

// NewKey returns the key of a private key: an [*age.X25519Identity], an
// [*age.HybridIdentity], an [ed25519.PrivateKey] or an [*rsa.PrivateKey].
func NewKey(private any) (*Key, error) {
	switch p := private.(type) {
	case *age.X25519Identity:
		return newKey(p, p.Recipient(), "X25519", []byte(p.String()))
	case *age.HybridIdentity:
		return newKey(p, p.Recipient(), "hybrid", []byte(p.String()))
	case *ed25519.PrivateKey:
		return NewKey(*p)
	case ed25519.PrivateKey:
		return newSSHKey(p, "ed25519", p.Seed())
	case *rsa.PrivateKey:
		return newSSHKey(p, "RSA", primesOf(p))
	}
	return nil, errors.New("another kind of key")
}

func newKey(identity age.Identity, recipient age.Recipient, kind string, secret []byte) (*Key, error) {
	mac, err := hkdf.Key(sha256.New, secret, []byte(macSalt), macLabel+kind, sha256.Size)
	if err != nil {
		return nil, err
	}
	return &Key{identity, recipient, mac}, nil
}

// newSSHKey returns the key of an SSH key.
func newSSHKey(private any, kind string, secret []byte) (*Key, error) {
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, err
	}
	var identity age.Identity
	var recipient age.Recipient
	switch p := private.(type) {
	case ed25519.PrivateKey:
		identity, err = agessh.NewEd25519Identity(p)
		if err == nil {
			recipient, err = agessh.NewEd25519Recipient(signer.PublicKey())
		}
	case *rsa.PrivateKey:
		identity, err = agessh.NewRSAIdentity(p)
		if err == nil {
			recipient, err = agessh.NewRSARecipient(signer.PublicKey())
		}
	}
	if err != nil {
		return nil, err
	}
	return newKey(identity, recipient, kind, secret)
}

// primesOf returns the primes of a key, in the order of their size, each with its length
// before it.
func primesOf(key *rsa.PrivateKey) []byte {
	primes := slices.SortedFunc(slices.Values(key.Primes), (*big.Int).Cmp)
	var all []byte
	for _, p := range primes {
		all = binary.BigEndian.AppendUint32(all, uint32(len(p.Bytes())))
		all = append(all, p.Bytes()...)
	}
	return all
}

// sum is the MAC of a document: of what it is encrypted to, and of which document it is.
func (k *Key) sum(store, key string, generation uint64, sealed []byte) string {
	h := hmac.New(sha256.New, k.mac)
	fmt.Fprintf(h, "%s%d\nstore %q\nkey %q\ngeneration %d\n\n", boundMagic, boundVersion, store, key, generation)
	h.Write(sealed)
	return base64.RawStdEncoding.EncodeToString(h.Sum(nil))
}

// bind puts the MAC before an encrypted document.
func (k *Key) bind(h header, sealed []byte) []byte {
	head := fmt.Appendf(nil, "%s%d\ngeneration %d\nmac %s\n\n", boundMagic, boundVersion, h.generation, k.sum(h.store, h.key, h.generation, sealed))
	return append(head, sealed...)
}

// binds tells whether b is the binding of the document of key, and k made it.
func (k *Key) binds(store, key string, b binding) bool {
	want := k.sum(store, key, b.generation, b.sealed)
	return hmac.Equal([]byte(b.mac), []byte(want))
}
