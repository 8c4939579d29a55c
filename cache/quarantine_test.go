//go:build linux

package cache_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/cache"
)

// A damaged entry that may not be removed is told and counted once, is in the account
// for as long as it is there, and is not read again: that its bytes are put right,
// which its size and time do not show, makes no difference.
func TestDamageThatMayNotBeRemoved(t *testing.T) {
	dir := t.TempDir()
	first := openDisk(t, dir)
	put(t, first, "sealed/m", "module m\n")
	put(t, first, "open/m", "module m\n")
	outside := filepath.Join(t.TempDir(), "m") // another name of the file, that stays writable
	if err := os.Link(filepath.Join(dir, "sealed", "m"), outside); err != nil {
		t.Fatal(err)
	}
	quietly(t, outside, flip)
	forbidChanges(t, filepath.Join(dir, "sealed"))
	forbidChanges(t, filepath.Join(dir, ".breakwater", "records", "sealed"))

	synctest.Test(t, func(t *testing.T) {
		var told []cache.Corruption
		d, err := cache.OpenDisk(dir, &cache.DiskOptions{
			Bounds:       cache.Bounds{MaxFiles: 100},
			OnCorruption: func(c cache.Corruption) { told = append(told, c) },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		synctest.Wait()
		for range 3 {
			wantMiss(t, d, "sealed/m")
		}
		quietly(t, outside, flip)
		wantMiss(t, d, "sealed/m")
		wantContent(t, d, "open/m", "module m\n")
		if len(told) != 1 || told[0].Key != "sealed/m" || told[0].File != "" || d.Stats().Damaged != 1 {
			t.Errorf("told of %+v, stats %+v", told, d.Stats())
		}
		if d.Stats().Entries != 2 {
			t.Errorf("stats %+v, want 2 entries", d.Stats())
		}
		if err := d.Delete(t.Context(), "sealed/m"); err == nil || errors.Is(err, os.ErrNotExist) {
			t.Errorf("Delete: %v, want why it cannot", err)
		}
		wantExact(t, d)
	})
}
