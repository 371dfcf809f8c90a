package etcd_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// saved returns when the document of s is saved after revision rev of etcd.
func saved(t testing.TB, client *clientv3.Client, s core.TokenStore, rev int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(bounded(t))
	defer cancel()
	if resp := <-client.Watch(ctx, s.(core.Locator).Path(core.DefaultKey), clientv3.WithRev(rev+1)); resp.Err() != nil || len(resp.Events) == 0 {
		t.Fatalf("the document was not saved: %v", resp.Err())
	}
}

// present is etcd's revision.
func present(t testing.TB, client *clientv3.Client) int64 {
	t.Helper()
	resp, err := client.Get(bounded(t), "/")
	must(t, err)
	return resp.Header.Revision
}

// etcd saves, and its answer is lost. Save finds out that it was done, and does
// not do it again, with the document there or without.
func TestAnswerOfASaveIsLost(t *testing.T) {
	t.Parallel()
	c := shared(t)
	network, client := newLink(t, c.endpoints...), c.client(t)
	s := openClosed(t, etcd.Config{Endpoints: network.endpoints, Prefix: newPrefix(t)}, t.TempDir())
	r := core.Record{}
	for i, text := range []string{"first", "second"} {
		must(t, s.(core.Checker).Check(bounded(t), core.DefaultKey)) // there are a connection and a key
		rev := present(t, client)
		network.set(deaf)
		r.Data = []byte(text)
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			r, err = s.Save(bounded(t), core.DefaultKey, r)
		}()
		saved(t, client, s, rev)
		network.set(whole)
		<-done
		must(t, err)
		loaded, err := s.Load(bounded(t), core.DefaultKey)
		must(t, err)
		if loaded.Revision != r.Revision || string(loaded.Data) != text {
			t.Errorf("Load gives %q of revision %s, want what was saved, of revision %s", loaded.Data, loaded.Revision, r.Revision)
		}
		resp, err := client.Get(bounded(t), s.(core.Locator).Path(core.DefaultKey))
		must(t, err)
		if got := resp.Kvs[0].Version; got != int64(i+1) {
			t.Errorf("etcd has saved the document %d times, want %d", got, i+1)
		}
	}
}

// The answer is lost, and somebody saves after that: the document of this save
// was seen by them, and it is a conflict like any other.
func TestAnswerOfASaveIsLostAndAnotherFollows(t *testing.T) {
	t.Parallel()
	c := shared(t)
	network, client, dir := newLink(t, c.endpoints...), c.client(t), t.TempDir()
	config := etcd.Config{Endpoints: c.endpoints, Prefix: newPrefix(t)}
	other := openClosed(t, config, dir)
	config.Endpoints = network.endpoints
	s := openClosed(t, config, dir)
	must(t, s.(core.Checker).Check(bounded(t), core.DefaultKey))
	rev := present(t, client)
	network.set(deaf)
	done := make(chan error, 1)
	go func() {
		_, err := s.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("mine")})
		done <- err
	}()
	saved(t, client, s, rev)
	r, err := other.Load(bounded(t), core.DefaultKey)
	must(t, err)
	if string(r.Data) != "mine" {
		t.Fatalf("the other machine loads %q", r.Data)
	}
	_, err = other.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("theirs"), Revision: r.Revision})
	must(t, err)
	network.set(whole)
	if err := <-done; !errors.Is(err, core.ErrConflict) {
		t.Errorf("error is %v, want core.ErrConflict", err)
	}
	r, err = s.Load(bounded(t), core.DefaultKey)
	must(t, err)
	if string(r.Data) != "theirs" {
		t.Errorf("Load gives %q, want the last document", r.Data)
	}
}

// The answer of a Delete is lost, and somebody signs in after that: the new
// session stays.
func TestAnswerOfADeleteIsLost(t *testing.T) {
	t.Parallel()
	c := shared(t)
	network, client, dir := newLink(t, c.endpoints...), c.client(t), t.TempDir()
	config := etcd.Config{Endpoints: c.endpoints, Prefix: newPrefix(t)}
	other := openClosed(t, config, dir)
	config.Endpoints = network.endpoints
	s := openClosed(t, config, dir)
	_, err := s.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("old")})
	must(t, err)
	rev := present(t, client)
	// The first answer, of what is there, gets through; that of the deletion not.
	network.deafAt(config.Prefix + "/saves/")
	done := make(chan error, 1)
	go func() { done <- s.Delete(bounded(t), core.DefaultKey) }()
	saved(t, client, s, rev) // deleted, in fact
	_, err = other.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("new")})
	must(t, err)
	network.set(whole)
	must(t, <-done)
	if r, err := other.Load(bounded(t), core.DefaultKey); err != nil || string(r.Data) != "new" {
		t.Errorf("Load gives %q, %v, want the new document", r.Data, err)
	}
}

// A machine that has no copy of the key makes none, since there are sessions of
// another one, and says where to get it.
func TestMachineWithoutTheKey(t *testing.T) {
	t.Parallel()
	c := shared(t)
	config := etcd.Config{Endpoints: c.endpoints, Prefix: newPrefix(t)}
	home, dir := t.TempDir(), t.TempDir()
	first := openClosed(t, config, home)
	r, err := first.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("document")})
	must(t, err)
	second := openClosed(t, config, dir)
	_, loadErr := second.Load(bounded(t), core.DefaultKey)
	_, saveErr := second.Save(bounded(t), core.DefaultKey, r)
	for _, err := range []error{loadErr, saveErr, second.(core.Checker).Check(bounded(t), "other")} {
		var own *fault.Error
		if !errors.Is(err, core.ErrSealed) || !errors.As(err, &own) || !strings.Contains(own.Hint(), "copy") {
			t.Errorf("error is %v, want core.ErrSealed and where to get the key", err)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("there is %v now, %v, want nothing", files, err)
	}
	key, err := os.ReadFile(filepath.Join(home, "identity.age"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "identity.age"), key, 0o600))
	if r, err := second.Load(bounded(t), core.DefaultKey); err != nil || string(r.Data) != "document" {
		t.Errorf("with the key Load gives %q, %v", r.Data, err)
	}
}

// etcd, and whoever reads its disk or its backups, sees nothing of a session.
func TestEtcdSeesOnlyCiphertext(t *testing.T) {
	t.Parallel()
	c := shared(t)
	w := newWorld(t, etcd.Config{Endpoints: c.endpoints, Prefix: newPrefix(t)}, emulator.Options{RotateRefreshTokens: true})
	m := w.machine(nil)
	w.signIn(m)
	w.expire()
	token := w.token(m)
	r, err := m.store.Load(bounded(t), core.DefaultKey)
	must(t, err)
	held := lock(bounded(t), t, m.store)
	_, err = m.store.Save(bounded(t), "planted", core.Record{Data: []byte("planted")})
	must(t, err)

	client := c.client(t)
	resp, err := client.Get(bounded(t), w.store.Prefix+"/", clientv3.WithPrefix())
	must(t, err)
	secrets := []string{token.Reveal(), ada, "refresh_token", "1//0", w.emu.Clients()[0].ID, w.emu.Issuer()}
	for _, secret := range secrets {
		if !strings.Contains(string(r.Data), secret) {
			t.Fatalf("the session has no %q, so that this test shows nothing", secret)
		}
	}
	documents := 0
	for _, kv := range resp.Kvs {
		for _, secret := range append(secrets, "planted") {
			if bytes.Contains(kv.Value, []byte(secret)) {
				t.Errorf("the value of %s holds %q", kv.Key, secret)
			}
		}
		if _, sealed, _ := bytes.Cut(kv.Value, []byte("\n\n")); bytes.HasPrefix(sealed, []byte("age-encryption.org/v1\n")) {
			documents++
		} else if len(kv.Value) > 32 { // names of saves, and nothing for locks
			t.Errorf("the value of %s has %d bytes and is no age file", kv.Key, len(kv.Value))
		}
	}
	if documents != 2 {
		t.Errorf("%d age files are stored, want 2", documents)
	}
	must(t, held.Release())
}

// After etcd was restored from a snapshot a revision can come again, with another
// document. The name of the save tells them apart. Where that is gone, because
// somebody has tidied up, the revision has to do.
func TestRevisionThatCameAgain(t *testing.T) {
	t.Parallel()
	c := shared(t)
	prefix := newPrefix(t)
	s, client := openClosed(t, etcd.Config{Endpoints: c.endpoints, Prefix: prefix}, t.TempDir()), c.client(t)
	r, err := s.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("document")})
	must(t, err)
	r.Data = []byte("next")
	_, err = client.Put(bounded(t), prefix+"/saves/default", "of another time")
	must(t, err)
	if _, err := s.Save(bounded(t), core.DefaultKey, r); !errors.Is(err, core.ErrConflict) {
		t.Errorf("Save from a revision of another time: error is %v, want core.ErrConflict", err)
	}
	_, err = client.Delete(bounded(t), prefix+"/saves/default")
	must(t, err)
	loaded, err := s.Load(bounded(t), core.DefaultKey)
	must(t, err)
	loaded.Data = []byte("next")
	_, err = s.Save(bounded(t), core.DefaultKey, loaded)
	must(t, err)
}

// What cannot be read is moved to another key, and not lost.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	c := shared(t)
	s := openClosed(t, etcd.Config{Endpoints: c.endpoints, Prefix: newPrefix(t)}, t.TempDir())
	client, path := c.client(t), s.(core.Locator).Path(core.DefaultKey)
	if _, err := s.(core.Quarantiner).Quarantine(bounded(t), core.DefaultKey); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("SetAside of nothing: error is %v, want core.ErrNotFound", err)
	}
	_, err := s.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("document")})
	must(t, err)
	_, err = client.Put(bounded(t), path, "damaged")
	must(t, err)
	if _, err := s.Load(bounded(t), core.DefaultKey); !errors.Is(err, core.ErrCorrupt) {
		t.Fatalf("Load of a damaged document: error is %v, want core.ErrCorrupt", err)
	}
	where, err := s.(core.Quarantiner).Quarantine(bounded(t), core.DefaultKey)
	must(t, err)
	resp, err := client.Get(bounded(t), where)
	must(t, err)
	if len(resp.Kvs) != 1 || string(resp.Kvs[0].Value) != "damaged" {
		t.Errorf("%s has %v, want what was set aside", where, resp.Kvs)
	}
	if _, err := s.Load(bounded(t), core.DefaultKey); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Load of what was set aside: error is %v, want core.ErrNotFound", err)
	}
	_, err = s.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("another")})
	must(t, err)
}
