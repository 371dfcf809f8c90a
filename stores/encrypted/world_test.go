package encrypted_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/encrypted"
	"github.com/tokentoss/tokentoss/stores/file"
)

const passphrase = core.Secret("correct horse")

// A person answers questions with the given texts, the last one again and again.
type person struct {
	answers []core.Secret
	fails   error

	mu    sync.Mutex
	asked []string
	wait  chan struct{} // when not nil, before the answer
}

func (p *person) ask(ctx context.Context, question string) (core.Secret, error) {
	p.mu.Lock()
	p.asked = append(p.asked, question)
	n := len(p.asked) - 1
	p.mu.Unlock()
	if p.wait != nil {
		select {
		case <-p.wait:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	if p.fails != nil {
		return "", p.fails
	}
	return p.answers[min(n, len(p.answers)-1)], nil
}

func (p *person) times() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

// quickIdentity puts an identity with the passphrase in dir, as CreateIdentity
// does, at a cost that suits a test.
func quickIdentity(t testing.TB, dir string, workFactor int) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	must(t, err)
	to, err := age.NewScryptRecipient(passphrase.Reveal())
	must(t, err)
	to.SetWorkFactor(workFactor)
	path := filepath.Join(dir, "identity.age")
	must(t, os.MkdirAll(dir, 0o700))
	must(t, os.WriteFile(path, sealFor(t, to, []byte(id.String()+"\n")), 0o600))
	return id
}

func sealFor(t testing.TB, to age.Recipient, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to)
	must(t, err)
	_, err = w.Write(plain)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

// open returns the store of dir.
func open(t testing.TB, c encrypted.Config, dir string, p *person) core.TokenStore {
	t.Helper()
	var ask encrypted.Ask
	if p != nil {
		ask = p.ask
	}
	s, err := encrypted.Open(c, dir, ask)
	must(t, err)
	return s
}

// files returns what the store of dir keeps its documents in.
func files(t testing.TB, dir string) *file.Store {
	t.Helper()
	s, err := file.NewNamed(dir, "tokens.age")
	must(t, err)
	return s
}

func save(t testing.TB, s core.TokenStore, key, revision, data string) core.Record {
	t.Helper()
	r, err := s.Save(bounded(t), key, core.Record{Data: []byte(data), Revision: revision})
	if err != nil {
		t.Fatalf("Save(%q): %v", key, err)
	}
	return r
}

func wantDoc(t testing.TB, s core.TokenStore, key, want string) core.Record {
	t.Helper()
	r, err := s.Load(bounded(t), key)
	if err != nil {
		t.Fatalf("Load(%q): %v", key, err)
	}
	if string(r.Data) != want {
		t.Errorf("Load(%q) gives %.40q, want %.40q", key, r.Data, want)
	}
	return r
}

// bounded is long enough for a passphrase on a busy machine.
func bounded(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}
