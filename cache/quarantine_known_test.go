//go:build linux

package cache_test

import (
	"path/filepath"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// What Get has told is damaged, and may not be removed, is not told again by a scrub,
// whose report counts it all the same.
func TestScrubTellsOfKnownDamageOnce(t *testing.T) {
	dir := t.TempDir()
	put(t, openDisk(t, dir), "sealed/m", "module m\n")
	quietly(t, filepath.Join(dir, "sealed", "m"), flip)
	forbidChanges(t, filepath.Join(dir, "sealed"))
	forbidChanges(t, filepath.Join(dir, ".breakwater", "records", "sealed"))
	told := 0
	d, err := cache.OpenDisk(dir, &cache.DiskOptions{OnCorruption: func(cache.Corruption) { told++ }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for range 3 {
		if r, err := d.Scrub(t.Context(), 0); err != nil || r.Damaged != 1 {
			t.Errorf("Scrub: %+v, %v", r, err)
		}
		wantMiss(t, d, "sealed/m")
	}
	if told != 1 || d.Stats().Damaged != 1 {
		t.Errorf("told %d times, stats %+v", told, d.Stats())
	}
}

// A store that only reads remembers what is damaged, and does not read it again: that
// its bytes are put right, which its size and time do not show, makes no difference.
func TestReadOnlyRemembersDamage(t *testing.T) {
	dir := t.TempDir()
	put(t, openDisk(t, dir), modKey, "module m\n")
	file := filepath.Join(dir, filepath.FromSlash(modKey))
	quietly(t, file, flip)
	s := readOnly(t, dir)
	wantMiss(t, s, modKey)
	quietly(t, file, flip)
	wantMiss(t, s, modKey)
}
