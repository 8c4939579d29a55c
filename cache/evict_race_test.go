package cache_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// wantExact compares the account with what is there.
func wantExact(t *testing.T, d *cache.Disk) {
	t.Helper()
	var entries, bytes int64
	for _, name := range files(t, d.Dir()) {
		if !strings.HasPrefix(name, ".breakwater/") {
			entries++
			bytes += stat(t, filepath.Join(d.Dir(), name)).Size()
		}
	}
	if s := d.Stats(); s.Entries != entries || s.Bytes != bytes {
		t.Errorf("stats %+v, but there are %d entries of %d bytes", s, entries, bytes)
	}
}

// Many write, overwrite, delete and read, in two stores on one directory, while
// room is made: nobody sees an error, and a walk later each account is exact.
func TestEvictsWhileManyUseIt(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var stores []*cache.Disk
		for range 2 {
			d, err := cache.OpenDisk(dir, &cache.DiskOptions{NoSync: true, Bounds: cache.Bounds{MaxFiles: 40}})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			stores = append(stores, d)
		}
		var wg sync.WaitGroup
		for w := range 6 {
			wg.Go(func() {
				d := stores[w%2]
				for i := range 60 {
					key := fmt.Sprintf("d%d/m%d", i%5, (i*7+w)%50)
					if err := d.Put(t.Context(), key, text(strings.Repeat("x", i))); err != nil {
						t.Error(err)
					}
					e, err := d.Get(t.Context(), key)
					if err == nil {
						e.Body.Close()
					} else if !errors.Is(err, fs.ErrNotExist) {
						t.Error(err)
					}
					if i%7 == 0 {
						if err := d.Delete(t.Context(), key); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Wait()
		time.Sleep(3 * time.Hour) // the janitors look around
		synctest.Wait()
		for _, d := range stores {
			wantExact(t, d)
			if s := d.Stats(); s.Entries > 40 || s.Evicted == 0 {
				t.Errorf("stats %+v", s)
			}
		}
	})
}

// Each change is counted when it is made.
func TestAccountsForEachChange(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d, told := openBounded(t, dir, cache.Bounds{MaxFiles: 10})
		synctest.Wait()
		for i := range 10 {
			put(t, d, fmt.Sprint("a/b", i), "content")
		}
		put(t, d, "a/b0", "longer content")
		wantExact(t, d)
		d.Delete(t.Context(), "a/b1")
		d.Delete(t.Context(), "a/b1")
		wantExact(t, d)
		quietly(t, filepath.Join(dir, "a/b2"), flip)
		if _, err := d.Scrub(t.Context(), 0); err != nil || d.Stats().Damaged != 1 {
			t.Errorf("scrub: %v, %+v", err, d.Stats())
		}
		wantExact(t, d)
		put(t, d, "a/b1", "x")
		put(t, d, "a/b2", "x")
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		wantExact(t, d)
		if len(told) != 0 || d.Stats().Entries != 10 {
			t.Errorf("a store within its bounds was tidied: %+v", d.Stats())
		}
		d.Close()
	})
}
