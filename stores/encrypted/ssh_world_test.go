package encrypted_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
)

// sshKey writes an SSH private key, with the passphrase or without, and returns
// its path. Where ssh-keygen is installed the passphrase costs little.
func sshKey(t testing.TB, kind string, locked bool) string {
	t.Helper()
	if keygen, err := exec.LookPath("ssh-keygen"); err == nil && locked {
		return makeSSHKey(t, keygen, "-t", kind, "-a", "1", "-N", passphrase.Reveal())
	}
	var key crypto.PrivateKey
	var err error
	switch kind {
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	must(t, err)
	var block *pem.Block
	if locked {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "test", []byte(passphrase.Reveal()))
	} else {
		block, err = ssh.MarshalPrivateKey(key, "test")
	}
	must(t, err)
	path := filepath.Join(t.TempDir(), "id_"+kind)
	must(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
	return path
}
