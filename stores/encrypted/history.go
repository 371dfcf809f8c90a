package encrypted

import (
	"crypto/rand"
	"slices"
	"sync"
)

// maxRetired bounds what is remembered of each key.
const maxRetired = 32

// A history is what one process has seen stored, by key. With it an older
// document in the place of a newer one is noticed.
//
// A lineage is the sequence of documents that were each saved after the one
// before. Its generations only grow. A document that is saved where there was
// none, or after one that this process has not read, begins another lineage: any
// lineage that was not seen may be a sign-in of another process. One that was
// seen and then replaced or deleted does not come back by itself.
type history struct {
	mu  sync.Mutex
	key map[string]*moment
}

// A moment is what was last seen of a key. It never changes; what is seen next
// is another moment.
type moment struct {
	revision   string // of the inner store
	lineage    string // empty when there is no document
	generation uint64
	retired    []string // lineages that were replaced, the last one last
}

// at returns what was last seen of key. Take it before the inner store is asked:
// only what was seen before a call can be compared with what the call gives, as
// others save meanwhile.
func (h *history) at(key string) *moment {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m := h.key[key]; m != nil {
		return m
	}
	m := new(moment)
	if h.key == nil {
		h.key = map[string]*moment{}
	}
	h.key[key] = m
	return m
}

// after returns the lineage and generation of a document that is saved over
// that of revision.
func (m *moment) after(revision string) (lineage string, generation uint64) {
	if revision != "" && revision == m.revision {
		return m.lineage, m.generation + 1
	}
	return rand.Text(), 1
}

// goesBack tells whether a document that was stored after m was seen is older.
func (m *moment) goesBack(d header) bool {
	return d.lineage == m.lineage && d.generation < m.generation || slices.Contains(m.retired, d.lineage)
}

// saw notes the document that was stored after before was seen. If others were
// seen meanwhile and nothing says which of them came first, nothing is noted.
func (h *history) saw(key string, before *moment, d header, revision string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.key[key]
	if now.revision == revision {
		return
	}
	next := &moment{revision, d.lineage, d.generation, now.retired}
	switch {
	case now == before && now.lineage != d.lineage:
		next.retired = now.retire(now.lineage)
	case now == before:
	case now.lineage == d.lineage && now.generation < d.generation:
	default:
		return
	}
	h.key[key] = next
}

// deleted notes that the document that was there when before was seen, or one
// that came after it, is no more.
func (h *history) deleted(key string, before *moment) {
	if before.lineage == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.key[key]
	next := &moment{now.revision, now.lineage, now.generation, now.retire(before.lineage)}
	if now.lineage == before.lineage {
		next.revision, next.lineage, next.generation = "", "", 0
	}
	h.key[key] = next
}

// retire returns the retired lineages with one more.
func (m *moment) retire(lineage string) []string {
	if lineage == "" || slices.Contains(m.retired, lineage) {
		return m.retired
	}
	retired := append(slices.Clone(m.retired), lineage)
	return retired[max(0, len(retired)-maxRetired):]
}
