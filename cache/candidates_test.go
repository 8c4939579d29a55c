package cache

import (
	"fmt"
	"slices"
	"testing"
)

// However much has to go, no more than so many are remembered, and those are the
// worst.
func TestCandidatesAreBounded(t *testing.T) {
	const n = mostCandidates + 1000
	var c candidates
	for i := range n {
		c.offer(candidate{key: fmt.Sprint(i), size: 1, badness: float64(i * 7919 % n)}, usage{n, n})
	}
	if len(c.all) != mostCandidates || c.frees != (usage{mostCandidates, mostCandidates}) {
		t.Errorf("%d candidates that free %+v", len(c.all), c.frees)
	}
	least := slices.MinFunc(c.all, func(a, b candidate) int { return int(a.badness - b.badness) })
	if least.badness != 1000 {
		t.Errorf("the least bad is %v, want 1000", least.badness)
	}
}
