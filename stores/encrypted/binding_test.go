package encrypted_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/encrypted"
	"github.com/tokentoss/tokentoss/stores/memory"
)

// forged is what somebody makes who knows the public key, and the format: a document with
// the header that a genuine one has.
func forged(t *testing.T, to age.Recipient, store, key string, generation int) []byte {
	t.Helper()
	return sealFor(t, to, fmt.Appendf(nil, "tokentoss/encrypted 1\nstore %q\nkey %q\nlineage \"x\"\ngeneration %d\n\nof somebody else", store, key, generation))
}

// afterBinding returns the age file of a document, and what stands before it.
func afterBinding(t *testing.T, data []byte) (binding, sealed []byte) {
	t.Helper()
	head, sealed, found := bytes.Cut(data, []byte("\n\n"))
	if !found {
		t.Fatalf("there is no binding: %.60q", data)
	}
	return append(head, "\n\n"...), sealed
}

// TestForgedDocuments: who can write where a document is kept, and knows the public key,
// cannot make a document that is believed. Nothing of it is returned.
func TestForgedDocuments(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, encrypted.Config{}, dir, nil)
	r := save(t, s, "default", "", "genuine")
	genuine := contents(t, s, "default")
	id := identityOf(t, dir)
	head, sealed := afterBinding(t, genuine)
	mac := strings.TrimSuffix(string(head[bytes.Index(head, []byte("mac ")):]), "\n\n")
	evil := forged(t, id.Recipient(), "encrypted", "default", 1)
	bound := func(head string, sealed []byte) []byte { return append([]byte(head), sealed...) }
	for name, data := range map[string][]byte{
		"without a binding":                evil,
		"genuine, its binding taken off":   sealed,
		"with the binding of another":      bound(string(head), evil),
		"truncated MAC":                    bound(strings.Replace(string(head), mac, mac[:20], 1), sealed),
		"no MAC":                           bound(strings.Replace(string(head), mac, "mac ", 1), sealed),
		"MAC of zeros":                     bound(strings.Replace(string(head), mac, "mac "+strings.Repeat("A", 43), 1), evil),
		"MAC with a letter more":           bound(strings.Replace(string(head), mac, mac+"A", 1), sealed),
		"another generation":               bound(strings.Replace(string(head), "generation 1", "generation 2", 1), sealed),
		"version 0":                        bound(strings.Replace(string(head), "bound 1", "bound 0", 1), sealed),
		"a line more":                      bound(strings.Replace(string(head), "mac ", "x\nmac ", 1), sealed),
		"other ends of lines":              bound(strings.ReplaceAll(string(head), "\n", "\r\n"), sealed),
		"a byte of the ciphertext changed": bound(string(head), append(bytes.Clone(sealed[:len(sealed)-1]), sealed[len(sealed)-1]^1)),
		"something after it":               append(bytes.Clone(genuine), 'x'),
	} {
		for _, s := range []core.TokenStore{s, open(t, encrypted.Config{}, dir, nil)} { // of a process that knows the document, and one that starts
			put(t, s, "default", data)
			r, err := s.Load(bounded(t), "default")
			if !errors.Is(err, core.ErrCorrupt) || len(r.Data) > 0 || strings.Contains(err.Error(), "somebody else\"") {
				t.Errorf("%s: Load gives %q, %v, want core.ErrCorrupt", name, r.Data, err)
			}
		}
	}
	put(t, s, "default", genuine)
	wantDoc(t, s, "default", "genuine")
	save(t, s, "default", r.Revision, "goes on")
}

func identityOf(t *testing.T, dir string) *age.X25519Identity {
	t.Helper()
	text := read(t, filepath.Join(dir, "identity.age"))
	id, err := age.ParseX25519Identity(strings.TrimSpace(string(text[bytes.LastIndexByte(bytes.TrimSpace(text), '\n')+1:])))
	must(t, err)
	return id
}

// TestForgedForSSHKey: the public part of an SSH key is public indeed.
func TestForgedForSSHKey(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ed25519", "rsa"} {
		path := sshKey(t, kind, false)
		s := open(t, encrypted.Config{SSHKey: path}, t.TempDir(), nil)
		save(t, s, "default", "", "genuine")
		signer, err := ssh.ParsePrivateKey(read(t, path))
		must(t, err)
		var to age.Recipient
		if kind == "rsa" {
			to, err = agessh.NewRSARecipient(signer.PublicKey())
		} else {
			to, err = agessh.NewEd25519Recipient(signer.PublicKey())
		}
		must(t, err)
		put(t, s, "default", forged(t, to, "encrypted", "default", 2))
		wantCorrupt(t, s, "default", "not bound to the key")
	}
}

// TestForgedAnywhere: a store behind is not trusted either, whatever it is.
func TestForgedAnywhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys, err := encrypted.Config{}.Keys(dir, nil, nil)
	must(t, err)
	inner := memory.New()
	s := encrypted.Wrap(inner, "etcd /x", keys)
	save(t, s, "work", "", "genuine")
	save(t, s, "home", "", "of home")
	there, err := inner.Load(bounded(t), "work")
	must(t, err)
	there.Data = forged(t, identityOf(t, dir).Recipient(), "etcd /x", "work", 9)
	_, err = inner.Save(bounded(t), "work", there)
	must(t, err)
	wantCorrupt(t, s, "work", "not bound")
	home, err := inner.Load(bounded(t), "home")
	must(t, err)
	there, err = inner.Load(bounded(t), "work")
	must(t, err)
	_, err = inner.Save(bounded(t), "work", core.Record{Data: home.Data, Revision: there.Revision})
	must(t, err)
	wantCorrupt(t, s, "work", "swapped")
}

// TestRecipientOfAStranger: nothing beside the identity says for whom documents are
// encrypted. The next sign-in is for the identity, or fails.
func TestRecipientOfAStranger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id := quickIdentity(t, dir, 6)
	p := &person{answers: []core.Secret{passphrase}}
	save(t, open(t, encrypted.Config{}, dir, p), "default", "", "doc")
	stranger, err := age.GenerateX25519Identity()
	must(t, err)
	must(t, os.Remove(filepath.Join(dir, "tokens.age")))
	writePrivate(t, filepath.Join(dir, "identity.age.pub"), stranger.Recipient().String()+"\n")
	s := open(t, encrypted.Config{}, dir, p)
	save(t, s, "default", "", "new")
	_, sealed := afterBinding(t, contents(t, s, "default"))
	if _, err := age.Decrypt(bytes.NewReader(sealed), stranger); err == nil {
		t.Error("the stranger can read it")
	}
	if _, err := age.Decrypt(bytes.NewReader(sealed), id); err != nil {
		t.Errorf("the identity does not open it: %v", err)
	}
}

// TestNewPassphrase: the key is what a document is bound to, and not its passphrase.
func TestNewPassphrase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id := quickIdentity(t, dir, 6)
	save(t, open(t, encrypted.Config{}, dir, &person{answers: []core.Secret{passphrase}}), "default", "", "doc")
	to, err := age.NewScryptRecipient("another one")
	must(t, err)
	to.SetWorkFactor(6)
	path := filepath.Join(dir, "identity.age")
	must(t, os.WriteFile(path, sealFor(t, to, []byte(id.String()+"\n")), 0o600))
	wantDoc(t, open(t, encrypted.Config{}, dir, &person{answers: []core.Secret{"another one"}}), "default", "doc")
	must(t, os.WriteFile(path, []byte("# a comment\n"+id.String()+"\n"), 0o600)) // and none at all
	wantDoc(t, open(t, encrypted.Config{}, dir, nil), "default", "doc")
}

// TestHybridIdentityBinds: identities that a quantum computer does not break bind, too.
func TestHybridIdentityBinds(t *testing.T) {
	t.Parallel()
	id, err := age.GenerateHybridIdentity()
	must(t, err)
	dir := t.TempDir()
	writePrivate(t, filepath.Join(dir, "identity.age"), id.String()+"\n")
	s := open(t, encrypted.Config{}, dir, nil)
	save(t, s, "default", "", "doc")
	wantDoc(t, open(t, encrypted.Config{}, dir, nil), "default", "doc")
	put(t, s, "default", forged(t, id.Recipient(), "encrypted", "default", 1))
	wantCorrupt(t, s, "default", "not bound")
}

// TestPrivatePartCannotBeRead: what cannot bind is refused, with the reason, before
// anything is saved.
func TestPrivatePartCannotBeRead(t *testing.T) {
	t.Parallel()
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "key")
		writePrivate(t, path, text)
		return path
	}
	fido := "-----BEGIN OPENSSH PRIVATE KEY-----\n" +
		"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAASgAAABpzay1zc2gtZWQyNTUxOUBvcGVuc3NoLmNvbQ==\n" +
		"-----END OPENSSH PRIVATE KEY-----\n"
	for says, c := range map[string]encrypted.Config{
		"age plugin":     {Identity: file("AGE-PLUGIN-YUBIKEY-1QGSZQVZ8DHZ5K3GXNVQEY\n")},
		"FIDO":           {SSHKey: file(fido)},
		"it is a public": {SSHKey: file("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPi5 ada@host\n")},
	} {
		s := open(t, c, t.TempDir(), nil)
		err := s.(core.Checker).Check(bounded(t), "default")
		if !errors.Is(err, core.ErrRefused) {
			t.Errorf("%s: error is %v, want core.ErrRefused", says, err)
		}
		wantError(t, err, says, "correct the setting")
	}
}

// TestSSHKeyWithNewPassphrase: as with identities, the key counts, and not its
// passphrase.
func TestSSHKeyWithNewPassphrase(t *testing.T) {
	t.Parallel()
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	for _, kind := range [][]string{{"-t", "ed25519"}, {"-t", "rsa", "-b", "2048"}} {
		path := makeSSHKey(t, keygen, append(kind, "-N", "")...)
		dir := t.TempDir()
		save(t, open(t, encrypted.Config{SSHKey: path}, dir, nil), "default", "", "doc")
		out, err := exec.CommandContext(t.Context(), keygen, "-q", "-p", "-N", passphrase.Reveal(), "-P", "", "-f", path).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		wantDoc(t, open(t, encrypted.Config{SSHKey: path}, dir, &person{answers: []core.Secret{passphrase}}), "default", "doc")
	}
}

// TestAcceptUnbound: documents of a tokentoss that bound none can be looked at, on
// request. Saved again they are bound. Any that claims to be bound, and is not, is refused.
func TestAcceptUnbound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, encrypted.Config{}, dir, nil)
	save(t, s, "default", "", "doc")
	head, sealed := afterBinding(t, contents(t, s, "default"))
	put(t, s, "default", sealed)
	wantCorrupt(t, s, "default", "not bound")
	looking := open(t, encrypted.Config{AcceptUnbound: true}, dir, nil)
	r := wantDoc(t, looking, "default", "doc")
	put(t, s, "work", sealed)
	wantCorrupt(t, looking, "work", "swapped")
	put(t, s, "work", append(bytes.Replace(head, []byte("mac "), []byte("mac x"), 1), sealed...))
	wantCorrupt(t, looking, "work", "")
	save(t, open(t, encrypted.Config{}, dir, nil), "default", r.Revision, string(r.Data))
	wantDoc(t, open(t, encrypted.Config{}, dir, nil), "default", "doc")
}

// TestBindingIsStable: the binding of a key does not change, which would make all
// documents those of somebody else.
func TestBindingIsStable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writePrivate(t, filepath.Join(dir, "identity.age"), stableIdentity)
	inner := memory.New()
	_, err := inner.Save(context.Background(), "default", core.Record{Data: read(t, "testdata/bound")})
	must(t, err)
	keys, err := encrypted.Config{}.Keys(dir, nil, nil)
	must(t, err)
	wantDoc(t, encrypted.Wrap(inner, "encrypted", keys), "default", "a session")
}

// stableIdentity is one that protects nothing but this test's document.
const stableIdentity = "AGE-SECRET-KEY-1YGKDTKP68GK0X90D6VW55HKMMNFWMGVTQDETLYLAW5MJACM3XDYS2Y6S7K\n"
