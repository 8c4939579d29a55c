package cache_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// The same build is repeated all day, and each day one file in a hundred is new:
// what a continuous integration asks for. Memory and disk together answer all but
// one request in a thousand.
func TestHitRatioOfRepeatedBuilds(t *testing.T) {
	files, builds, days := 100, 100, 20
	if testing.Short() {
		days = 2
	}
	disk, err := cache.OpenDisk(t.TempDir(), &cache.DiskOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	s := cache.Layered(cache.NewMemory(&cache.MemoryOptions{MaxBytes: 64 << 10}), disk)
	defer disk.Close()
	var hits, fromMemory, requests int
	version := make([]int, files)
	for day := range days {
		for i := range files / 100 {
			version[(day*files/100+i)%files]++
		}
		for range builds {
			for i, v := range version {
				requests++
				key := fmt.Sprintf("m%d/@v/v1.%d.0.mod", i, v)
				e, err := s.Get(t.Context(), key)
				if err != nil {
					put(t, s, key, strings.Repeat("x", sizeOf(i)))
					continue
				}
				hits++
				if e.Layer == "memory" {
					fromMemory++
				}
				e.Body.Close()
			}
		}
	}
	ratio := float64(hits) / float64(requests)
	t.Logf("%d requests: %.3f%% hits, %.1f%% from memory for a fifth of the files", requests, 100*ratio, 100*float64(fromMemory)/float64(requests))
	if ratio < 0.999 {
		t.Errorf("hit ratio %.4f, want at least 0.999", ratio)
	}
}
