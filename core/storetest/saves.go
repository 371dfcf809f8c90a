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
		{"SaveFromRevisionBeforeDelete", checkSaveAcrossDelete},
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
			k.fail(t, "Save returned an empty revision, which means that there is no document")
		}
		if before, ok := seen[r.Revision]; ok {
			k.fail(t, "Save of %q returned revision %q, which is that of %q: the change cannot be seen", data, r.Revision, before)
		}
		if strings.Contains(r.Revision, data) {
			k.fail(t, "revision %q contains the document, which is secret", r.Revision)
		}
		switch got := k.load(t, s, key); {
		case string(got.Data) != data:
			k.fail(t, "Load gives %s after Save of %q", show(got.Data), data)
		case got.Revision != r.Revision:
			k.fail(t, "Load gives revision %q, Save returned %q for the same document", got.Revision, r.Revision)
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
	k.wantError(t, "Save from "+from, err, core.ErrConflict)
	if strings.Contains(err.Error(), unwanted) {
		k.fail(t, "Save from %s: the error contains the document, which is secret: %q", from, err.Error())
	}
	after := k.load(t, s, key)
	if string(after.Data) != string(before.Data) || after.Revision != before.Revision {
		k.fail(t, "Save from %s changed the stored document from %s (revision %q) to %s (revision %q); it must change nothing",
			from, show(before.Data), before.Revision, show(after.Data), after.Revision)
	}
}

func checkSaveAfterDelete(t *testing.T, k *kit) {
	s := k.store(t)
	old := k.save(t, s, key, "", []byte("first"))
	k.remove(t, s, key)
	_, err := s.Save(k.ctx(t), key, core.Record{Data: []byte("back from the dead"), Revision: old.Revision})
	k.wantError(t, "Save from the revision of a document that was deleted", err, core.ErrConflict)
	k.wantNone(t, s, key, " after a Save that conflicted")
}

// checkSaveAcrossDelete: a document that was deleted and made anew is another one,
// whatever its revisions count.
func checkSaveAcrossDelete(t *testing.T, k *kit) {
	s := k.store(t)
	var old []core.Record
	revision := ""
	for i := range 3 {
		r := k.save(t, s, key, revision, fmt.Appendf(nil, "before %d", i))
		old, revision = append(old, r), r.Revision
	}
	k.remove(t, s, key)
	revision = ""
	for i := range old {
		r := k.save(t, s, key, revision, fmt.Appendf(nil, "after %d", i))
		for _, o := range old {
			if r.Revision == o.Revision {
				k.fail(t, "after Delete, a new document has revision %q, which an old one had: who loaded that one would overwrite this one", r.Revision)
			}
		}
		revision = r.Revision
	}
	k.wantConflict(t, s, "a revision from before Delete", old[0].Revision)
}
