package cache

import (
	"math/rand/v2"
	"testing"
)

// Before it ages, a sketch never counts too low, nor often too high.
func TestSketchCounts(t *testing.T) {
	s := newSketch(1 << 12)
	rng := rand.New(rand.NewPCG(1, 2))
	want := map[uint64]uint64{}
	keys := make([]uint64, 500)
	for i := range keys {
		keys[i] = rng.Uint64()
	}
	for range 3000 {
		k := keys[rng.IntN(len(keys))]
		s.add(k)
		want[k] = min(want[k]+1, maxCount)
	}
	high := 0
	for k, n := range want {
		got := s.count(k)
		if got < n {
			t.Errorf("counted %d, want %d or more", got, n)
		}
		if got > n {
			high++
		}
	}
	if high > len(keys)/50 {
		t.Errorf("%d of %d counts are too high", high, len(keys))
	}
}

// When there have been ten times as many as there are counters, all are halved,
// each by itself.
func TestSketchAges(t *testing.T) {
	s := newSketch(1)
	for range maxCount + 5 {
		s.add(1)
	}
	if got := s.count(1); got != maxCount {
		t.Fatalf("counted %d, want no more than %d", got, maxCount)
	}
	for s.added < s.limit-1 {
		s.add(1)
	}
	if got := s.count(1); got != maxCount {
		t.Fatalf("it aged early: %d", got)
	}
	s.add(1)
	if got := s.count(1); got != maxCount/2 {
		t.Errorf("counted %d after the halving, want %d", got, maxCount/2)
	}
	if s.added != s.limit/2 {
		t.Errorf("%d are counted after the halving, want %d", s.added, s.limit/2)
	}
}

// A count does not spill into its neighbour when all are halved.
func TestSketchHalvesEach(t *testing.T) {
	s := newSketch(1)
	before := map[uint64]uint64{}
	for k := range uint64(60) {
		for range 1 + k%3 {
			s.add(k)
		}
	}
	for k := range uint64(60) {
		before[k] = s.count(k)
	}
	s.age()
	for k, n := range before {
		if got := s.count(k); got != n/2 {
			t.Errorf("%d was %d and is %d", k, n, got)
		}
	}
}
