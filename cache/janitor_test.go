package cache_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// pinned keeps what is called so.
func pinned(key string) cache.Retention {
	if strings.HasPrefix(key, "pinned") {
		return cache.Pin
	}
	return cache.Keep
}

// A store that could make no room, for what was in it was pinned, makes room again
// when that is deleted.
func TestMakesRoomAfterThePinnedAreGone(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d, _ := openBounded(t, dir, cache.Bounds{MaxFiles: 50, Retention: pinned})
		for i := range 200 {
			put(t, d, fmt.Sprint("pinned", i), "x")
		}
		synctest.Wait()
		for i := range 200 {
			if err := d.Delete(t.Context(), fmt.Sprint("pinned", i)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 200 {
			put(t, d, fmt.Sprint("m", i), "x")
		}
		time.Sleep(3 * time.Hour) // for what is stored beside a walk may be counted twice until the next
		synctest.Wait()
		if s := d.Stats(); s.Entries > 50 {
			t.Errorf("stats %+v, want 50 entries at the most", s)
		}
		wantExact(t, d)
		d.Close()
	})
}

// Where more is pinned than there is room for, there is not a walk for each of the
// others that come and go.
func TestFewWalksBesideThePinned(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var walks atomic.Int64
		d, _ := openBounded(t, dir, cache.Bounds{MaxFiles: 100, Retention: func(key string) cache.Retention {
			if key == "pinned0" {
				walks.Add(1)
			}
			return pinned(key)
		}})
		for i := range 150 {
			put(t, d, fmt.Sprint("pinned", i), "x")
		}
		synctest.Wait()
		before := walks.Load()
		const puts = 100
		for i := range puts {
			put(t, d, fmt.Sprint("m", i), "x")
			synctest.Wait()
		}
		// A tenth of the bound comes between two looks, of two walks each.
		if n := walks.Load() - before; n == 0 || n > 2*puts/10 {
			t.Errorf("%d walks for %d puts", n, puts)
		}
		if s := d.Stats(); s.Entries < 150 || s.Entries > 161 {
			t.Errorf("stats %+v", s)
		}
		d.Close()
	})
}

// What a walk through a directory has found that was removed meanwhile does not
// count in the one that came after it.
func TestDirectoryIsRemovedDuringAWalk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	fill(t, dir, 100)
	synctest.Test(t, func(t *testing.T) {
		var armed atomic.Bool
		step := make(chan struct{})
		d, _ := openBounded(t, dir, cache.Bounds{MaxFiles: 100, Retention: func(string) cache.Retention {
			if armed.Load() {
				<-step
			}
			return cache.Keep
		}})
		synctest.Wait()
		armed.Store(true)
		put(t, d, "one more", "x")
		synctest.Wait() // it has begun to look for what may go
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		put(t, d, "after", "x")
		wantExact(t, d)
		step <- struct{}{}
		synctest.Wait() // now it looks at the new directory
		wantExact(t, d)
		armed.Store(false)
		close(step)
		synctest.Wait()
		wantExact(t, d)
		d.Close()
	})
}

// Content that has no record is not in the account, neither before nor when it is
// replaced or removed.
func TestContentWithoutARecordIsNotCounted(t *testing.T) {
	dir := t.TempDir()
	const n = 20
	key := func(i int) string { return fmt.Sprint("m", i) }
	for i := range n {
		if err := os.WriteFile(filepath.Join(dir, key(i)), []byte("bare"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		d, _ := openBounded(t, dir, cache.Bounds{MaxFiles: 100})
		synctest.Wait()
		if s := d.Stats(); s != (cache.DiskStats{}) {
			t.Errorf("stats %+v of a directory without records", s)
		}
		if err := d.Delete(t.Context(), key(0)); err != nil {
			t.Error(err)
		}
		for i := range n {
			put(t, d, key(i), "content")
		}
		wantExact(t, d)
		d.Close()
	})
}
