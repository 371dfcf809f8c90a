package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

func saveChecks() []check {
	return []check{
		{"Revisions", checkRevisions},
		{"SaveFromOldRevision", func(t *testing.T, k *kit) {
			s := k.store(t)
			old := k.save(t, s, key, "", []byte("first"))
			k.save(t, s, key, old.Revision, []byte("second"))
			k.wantConflict(t, s, "an old revision", old.Revision)
		}},
		{"SaveFromNoRevision", func(t *testing.T, k *kit) {
			s := k.store(t)
			k.save(t, s, key, "", []byte("first"))
			k.wantConflict(t, s, "no revision, although there is a document", "")
		}},
		{"SaveFromUnknownRevision", func(t *testing.T, k *kit) {
			s := k.store(t)
			k.save(t, s, key, "", []byte("first"))
			k.wantConflict(t, s, "a revision that the store never gave", "no-such-revision")
		}},
		{"SaveFromRevisionOfOtherKey", func(t *testing.T, k *kit) {
			s := k.store(t)
			k.save(t, s, key, "", []byte("first"))
			other := k.save(t, s, otherKey, "", []byte("another document"))
			k.wantConflict(t, s, "the revision of another key", other.Revision)
		}},
		{"SaveAfterDelete", checkSaveAfterDelete},
	}
}

// checkRevisions: revisions are never empty, are those that Load gives, and
// change with the document, each time.
func checkRevisions(t *testing.T, k *kit) {
	s := k.store(t)
	revision := ""
	seen := map[string]string{}
	for i := range 5 {
		data := fmt.Sprintf("document %d", i)
		r := k.save(t, s, key, revision, []byte(data))
		if r.Revision == "" {
			t.Fatal("Save returned an empty revision, which means that there is no document")
		}
		if before, ok := seen[r.Revision]; ok {
			t.Errorf("Save of %q returned revision %q, which is that of %q: the change cannot be seen", data, r.Revision, before)
		}
		if strings.Contains(r.Revision, data) {
			t.Errorf("revision %q contains the document, which is secret", r.Revision)
		}
		if got := k.load(t, s, key); got.Revision != r.Revision {
			t.Errorf("Load gives revision %q, Save returned %q for the same document", got.Revision, r.Revision)
		}
		seen[r.Revision], revision = data, r.Revision
	}
	same := k.save(t, s, key, revision, []byte("document 4"))
	k.save(t, s, key, same.Revision, []byte("after a save that changed nothing"))
}

// wantConflict saves from revision, which must change nothing.
func (k *kit) wantConflict(t *testing.T, s core.TokenStore, from, revision string) {
	t.Helper()
	before := k.load(t, s, key)
	const unwanted = "lost-update-secret"
	_, err := s.Save(k.ctx(t), key, core.Record{Data: []byte(unwanted), Revision: revision})
	wantError(t, "Save from "+from, err, core.ErrConflict)
	if err != nil && strings.Contains(err.Error(), unwanted) {
		t.Errorf("Save from %s: the error contains the document, which is secret: %v", from, err)
	}
	after := k.load(t, s, key)
	if string(after.Data) != string(before.Data) || after.Revision != before.Revision {
		t.Errorf("Save from %s changed the stored document from %s (revision %q) to %s (revision %q); it must change nothing",
			from, show(before.Data), before.Revision, show(after.Data), after.Revision)
	}
}

func checkSaveAfterDelete(t *testing.T, k *kit) {
	s := k.store(t)
	old := k.save(t, s, key, "", []byte("first"))
	if err := s.Delete(k.ctx(t), key); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	_, err := s.Save(k.ctx(t), key, core.Record{Data: []byte("back from the dead"), Revision: old.Revision})
	wantError(t, "Save from the revision of a document that was deleted", err, core.ErrConflict)
	k.wantNone(t, s, key)
}
