package cache_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// zipf draws numbers below n, each the more often the smaller it is: in
// proportion to 1/rank, which is Zipf's law with exponent 1.
type zipf struct {
	rng *rand.Rand
	cdf []float64
}

func newZipf(n int, seed uint64) *zipf {
	z := &zipf{rng: rand.New(rand.NewPCG(seed, 1)), cdf: make([]float64, n)}
	sum := 0.0
	for i := range n {
		sum += 1 / float64(i+1)
		z.cdf[i] = sum
	}
	for i := range z.cdf {
		z.cdf[i] /= sum
	}
	return z
}

func (z *zipf) draw() int {
	return min(sort.SearchFloat64s(z.cdf, z.rng.Float64()), len(z.cdf)-1)
}

// A module file has a size of its own: a few hundred bytes to some kilobytes.
func sizeOf(i int) int { return 300 + i*7919%4000 }

// ratio plays a trace on a memory store and on a plain LRU of the same bytes,
// and returns the part of hits of each. draw returns what is asked for next.
func ratio(t testing.TB, budget int64, requests int, draw func() int) (ours, lru float64) {
	t.Helper()
	s := cache.NewMemory(&cache.MemoryOptions{MaxBytes: budget})
	var bytes int64
	plain, err := simplelru.NewLRU(math.MaxInt, func(key string, size int) { bytes -= int64(size) })
	if err != nil {
		t.Fatal(err)
	}
	for range requests {
		i := draw()
		key := fmt.Sprintf("m%d/@v/v1.0.0.mod", i)
		if e, err := s.Get(t.Context(), key); err == nil {
			e.Body.Close()
			ours++
		} else {
			put(t, s, key, strings.Repeat("x", sizeOf(i)))
		}
		if _, ok := plain.Get(key); ok {
			lru++
			continue
		}
		size := sizeOf(i) + len(key) + 400 // what we count for an entry
		plain.Add(key, size)
		for bytes += int64(size); bytes > budget; {
			plain.RemoveOldest()
		}
	}
	return ours / float64(requests), lru / float64(requests)
}

// On a skewed trace the memory store hits more often than a plain LRU.
func TestAdmissionOnSkewedTrace(t *testing.T) {
	n, requests := 100_000, 500_000
	if testing.Short() {
		n, requests = 10_000, 50_000
	}
	var all int64
	for i := range n {
		all += int64(sizeOf(i)) + 420
	}
	z := newZipf(n, 1)
	ours, lru := ratio(t, all/10, requests, z.draw)
	t.Logf("memory for a tenth of %d files, %d requests by Zipf's law: %.1f%% hits, plain LRU %.1f%%", n, requests, 100*ours, 100*lru)
	if ours <= lru {
		t.Error("not better than a plain LRU")
	}
}

// A scan of ten thousand files leaves the hot set where it is.
func TestScanDoesNotFlush(t *testing.T) {
	s := cache.NewMemory(&cache.MemoryOptions{MaxBytes: 2 << 20})
	get := func(key string) bool {
		e, err := s.Get(t.Context(), key)
		if err == nil {
			e.Body.Close()
			return true
		}
		put(t, s, key, strings.Repeat("x", 2000))
		return false
	}
	for range 5 {
		for i := range 300 {
			get(fmt.Sprint("hot/", i))
		}
	}
	for i := range 10_000 {
		get(fmt.Sprint("scan/", i))
	}
	left := 0
	for i := range 300 {
		if get(fmt.Sprint("hot/", i)) {
			left++
		}
	}
	if left < 270 {
		t.Errorf("%d of 300 hot entries are left after the scan", left)
	}
}
