package encrypted

import (
	"fmt"
	"testing"
)

// What a slow reader saw is not noted over what others saw meanwhile, except for
// a newer generation of the same lineage.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	old, present := header{lineage: "A", generation: 5}, header{lineage: "A", generation: 7}
	for name, c := range map[string]struct {
		slow header // seen by a reader that began before present was seen
		want uint64 // then the generation of A that is remembered
	}{
		"older":           {old, 7},
		"newer":           {header{lineage: "A", generation: 8}, 8},
		"another lineage": {header{lineage: "B", generation: 9}, 7},
	} {
		var h history
		h.saw("k", h.at("k"), old, "r5")
		before := h.at("k")
		h.saw("k", before, present, "r7")
		h.saw("k", before, c.slow, "slow")
		if now := h.at("k"); now.lineage != "A" || now.generation != c.want || len(now.retired) != 0 {
			t.Errorf("%s: remembered is %+v, want generation %d of A", name, now, c.want)
		}
	}
}

// A deletion that is noted late does not take what was saved after it along.
func TestSlowDeletion(t *testing.T) {
	t.Parallel()
	var h history
	h.saw("k", h.at("k"), header{lineage: "A", generation: 5}, "r5")
	before := h.at("k")
	h.saw("k", before, header{lineage: "B", generation: 1}, "r1")
	h.deleted("k", before)
	if now := h.at("k"); now.goesBack(header{lineage: "B", generation: 1}) || !now.goesBack(header{lineage: "A", generation: 6}) {
		t.Errorf("remembered is %+v, want B, and A retired", now)
	}
}

// What is remembered of a key is bounded, and the last is what is kept.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	var h history
	for i := range 1000 {
		h.saw("k", h.at("k"), header{lineage: fmt.Sprint(i), generation: 1}, fmt.Sprint("r", i))
	}
	now := h.at("k")
	if len(now.retired) != maxRetired || !now.goesBack(header{lineage: "998"}) {
		t.Errorf("%d lineages are remembered, want the last %d", len(now.retired), maxRetired)
	}
}
