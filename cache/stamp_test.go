package cache_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// Content's time of change tells it from other content, and is never one that is
// still to come: tools that pack a cache directory would warn of each file.
func TestContentIsNotFromTheFuture(t *testing.T) {
	dir := t.TempDir()
	d, err := cache.OpenDisk(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	seen := map[time.Time]bool{}
	for i := range 32 {
		key := fmt.Sprintf("example.com/m/@v/v1.%d.0.mod", i)
		put(t, d, key, key)
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(key)))
		if err != nil {
			t.Fatal(err)
		}
		if info.ModTime().After(time.Now()) {
			t.Errorf("%s is of %v", key, info.ModTime())
		}
		seen[info.ModTime()] = true
	}
	if len(seen) < 32 {
		t.Errorf("%d different times", len(seen))
	}
}
