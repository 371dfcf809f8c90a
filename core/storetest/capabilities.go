package storetest

import (
	"errors"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

func capabilityChecks() []check {
	return []check{
		{"Declared", func(t *testing.T, k *kit) {
			s := k.store(t)
			switch {
			case k.noLocking != "" && s.locks():
				k.fail(t, "%T is a core.Locker, and storetest.SkipLocking says that it is not: its lock is used, and nobody checks it", s.TokenStore)
			case k.noListing != "" && s.lists():
				k.fail(t, "%T is a core.Lister, and storetest.SkipListing says that it is not: its list is used, and nobody checks it", s.TokenStore)
			}
		}},
		{"CheckChangesNothing", checkCheck},
		{"Quarantine", checkQuarantine},
	}
}

// checkCheck: a store that can be saved to says so, and has changed nothing.
func checkCheck(t *testing.T, k *kit) {
	s := k.store(t)
	check := func(when string) {
		t.Helper()
		_, err := guard(k.ctx(t), k.timeout, "Check", func() (struct{}, error) {
			return struct{}{}, core.Full(s.TokenStore).Check(k.ctx(t), key)
		})
		if err != nil {
			k.fail(t, "Check %s, where Save works: %v", when, err)
		}
	}
	check("without a document")
	k.wantNone(t, s, key, " after Check, which must change nothing")
	saved := k.save(t, s, key, "", []byte("before"))
	check("with a document")
	if got := k.load(t, s, key); string(got.Data) != "before" || got.Revision != saved.Revision {
		k.fail(t, "Check changed the document from %s (revision %q) to %s (revision %q); it must change nothing", show(saved.Data), saved.Revision, show(got.Data), got.Revision)
	}
}

// checkQuarantine: what was moved away is no document any more, and a new one can take
// its place.
func checkQuarantine(t *testing.T, k *kit) {
	s := k.store(t)
	k.save(t, s, key, "", []byte("damaged-secret"))
	k.save(t, s, otherKey, "", []byte("another"))
	where, err := guard(k.ctx(t), k.timeout, "Quarantine", func() (string, error) { return core.Full(s.TokenStore).Quarantine(k.ctx(t), key) })
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("the store cannot move documents away")
	}
	if err != nil {
		k.fail(t, "Quarantine: %v", err)
	}
	if strings.Contains(where, "damaged-secret") {
		k.fail(t, "Quarantine returned the document, which is secret, and not where it is now")
	}
	k.wantNone(t, s, key, " after Quarantine")
	k.wantData(t, s, otherKey, []byte("another"), " after Quarantine of another key")
	if s.lists() && k.noListing == "" {
		k.wantNames(t, s, "another document was moved away", otherKey)
	}
	if _, err := s.Save(k.ctx(t), key, core.Record{Data: []byte("new")}); err != nil {
		k.fail(t, "Save of a new document after Quarantine: %v", err)
	}
	k.wantData(t, s, key, []byte("new"), ", which was saved after Quarantine")
}
