package encrypted_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

const secretDoc = `{"refresh_token": "1//planted-secret"}`

// wantCorrupt checks that the document of key is refused, with nothing secret in
// the error.
func wantCorrupt(t testing.TB, s core.TokenStore, key, says string) {
	t.Helper()
	r, err := s.Load(bounded(t), key)
	if !errors.Is(err, core.ErrCorrupt) {
		t.Fatalf("Load gives %v, %v, want core.ErrCorrupt", r, err)
	}
	wantError(t, err, says, "")
	if strings.Contains(err.Error(), "planted-secret") {
		t.Errorf("error contains the document: %v", err)
	}
}

// One bit that differs anywhere in the file is noticed: in age's header with its
// recipient and its MAC, in the nonce, in the payload and in its tag.
func TestEveryFlippedBit(t *testing.T) {
	t.Parallel()
	s := open(t, encrypted.Config{}, t.TempDir(), nil)
	save(t, s, "default", "", secretDoc)
	path := s.(core.Locator).Path("default")
	sealed := read(t, path)
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1 << (i % 8)
		must(t, os.WriteFile(path, damaged, 0o600))
		wantCorrupt(t, s, "default", path)
	}
	must(t, os.WriteFile(path, sealed, 0o600))
	wantDoc(t, s, "default", secretDoc)
}

// Nor is a file taken that was cut short or has more at its end.
func TestTruncatedAndLonger(t *testing.T) {
	t.Parallel()
	s := open(t, encrypted.Config{}, t.TempDir(), nil)
	save(t, s, "default", "", strings.Repeat(secretDoc, 4000)) // several of age's chunks
	path := s.(core.Locator).Path("default")
	sealed := read(t, path)
	cuts := []int{len(sealed) - 1, len(sealed) - 16, len(sealed) - 17}
	for chunk := 0; chunk < len(sealed); chunk += 64 << 10 {
		cuts = append(cuts, chunk, chunk+16)
	}
	for i := range 400 {
		cuts = append(cuts, i)
	}
	for _, n := range cuts {
		must(t, os.WriteFile(path, sealed[:n], 0o600))
		wantCorrupt(t, s, "default", path)
	}
	must(t, os.WriteFile(path, append(bytes.Clone(sealed), 0), 0o600))
	wantCorrupt(t, s, "default", path)
}

// What anybody who knows the recipient can encrypt is no document.
func TestForeignPlaintext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id := quickIdentity(t, dir, 6)
	s := open(t, encrypted.Config{}, dir, &person{answers: []core.Secret{passphrase}})
	save(t, s, "default", "", secretDoc)
	path := s.(core.Locator).Path("default")
	for plain, says := range map[string]string{
		secretDoc:                 "does not begin with a header",
		"":                        "does not begin with a header",
		"tokentoss/encrypted 1\n": "does not begin with a header",
		"tokentoss/encrypted 1\nstore \"encrypted\"\n\n{}": "the header has 2 lines",
	} {
		must(t, os.WriteFile(path, sealFor(t, id.Recipient(), []byte(plain)), 0o600))
		wantCorrupt(t, s, "default", says)
	}
	must(t, os.WriteFile(path, sealFor(t, id.Recipient(), []byte("tokentoss/encrypted 9\nx\n\n{}")), 0o600))
	_, err := s.Load(bounded(t), "default")
	if !errors.Is(err, fault.Newer) {
		t.Errorf("error for a later version is %v, want fault.Newer, for which nothing is set aside", err)
	}
	wantError(t, err, "version 9", "update tokentoss")
	must(t, os.WriteFile(path, []byte(`{"id_token": "x"}`), 0o600))
	wantCorrupt(t, s, "default", "it does not begin as an encrypted document does")
}

// A document that was encrypted for another key says so.
func TestOtherKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, encrypted.Config{}, dir, nil)
	save(t, s, "default", "", secretDoc)
	must(t, os.Remove(filepath.Join(dir, "identity.age")))
	must(t, encrypted.CreateIdentity(bounded(t), filepath.Join(dir, "identity.age"), ""))
	s = open(t, encrypted.Config{}, dir, nil)
	wantCorrupt(t, s, "default", "encrypted for another key")
}

// Documents have 1 MiB at most, and a file of more is not even decrypted.
func TestSizes(t *testing.T) {
	t.Parallel()
	s := open(t, encrypted.Config{}, t.TempDir(), nil)
	_, err := s.Save(bounded(t), "default", core.Record{Data: make([]byte, 1<<20+1)})
	if !errors.Is(err, core.ErrTooLarge) {
		t.Errorf("Save of more than 1 MiB: error is %v, want core.ErrTooLarge", err)
	}
	large := strings.Repeat("x", 1<<20-4096)
	save(t, s, "default", "", large)
	wantDoc(t, s, "default", large)

	dir := t.TempDir()
	must(t, encrypted.CreateIdentity(bounded(t), filepath.Join(dir, "identity.age"), ""))
	keys, err := encrypted.Config{}.Keys(dir, nil, nil)
	must(t, err)
	_, err = encrypted.Wrap(boundless{}, "boundless", keys).Load(bounded(t), "default")
	if !errors.Is(err, core.ErrTooLarge) {
		t.Errorf("Load of 4 MiB: error is %v, want core.ErrTooLarge", err)
	}
}

// boundless is a store with a document of 4 MiB.
type boundless struct{ core.TokenStore }

func (boundless) Load(context.Context, string) (core.Record, error) {
	return core.Record{Data: make([]byte, 4<<20), Revision: "1"}, nil
}
