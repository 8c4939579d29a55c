package cache_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// What memory answers is used on disk, too: the note of that is an hour old at the
// most, and is not written more often.
func TestMemoryHitsAreUseOnDisk(t *testing.T) {
	dir := t.TempDir()
	record := filepath.Join(dir, ".breakwater", "records", modKey+",json")
	synctest.Test(t, func(t *testing.T) {
		disk, err := cache.OpenDisk(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := cache.Layered(cache.NewMemory(nil), disk)
		put(t, s, modKey, "module m\n")
		noted := func() time.Time { return modTime(t, record) }
		use := func() {
			e, err := s.Get(t.Context(), modKey)
			if err != nil || e.Layer != "memory" {
				t.Fatalf("not from memory: %v", err)
			}
			e.Body.Close()
		}
		old := time.Now().Add(-48 * time.Hour)
		if err := os.Chtimes(record, old, old); err != nil {
			t.Fatal(err)
		}
		use()
		if !noted().Equal(old) {
			t.Error("noted though it was stored just now")
		}
		time.Sleep(2 * time.Hour)
		use()
		if want := time.Now(); noted().Sub(want).Abs() > time.Second {
			t.Errorf("noted %v, want %v", noted(), want)
		}
		first := noted()
		time.Sleep(30 * time.Minute)
		use()
		if !noted().Equal(first) {
			t.Error("noted again after half an hour")
		}
		if err := disk.Close(); err != nil {
			t.Error(err)
		}
	})
}
