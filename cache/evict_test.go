package cache_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// openBounded opens a store that tells of evictions.
func openBounded(t *testing.T, dir string, b cache.Bounds) (*cache.Disk, chan cache.Eviction) {
	t.Helper()
	told := make(chan cache.Eviction, 100)
	d, err := cache.OpenDisk(dir, &cache.DiskOptions{NoSync: true, Bounds: b, OnEviction: func(e cache.Eviction) { told <- e }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, told
}

// unused has an entry look as if nobody had asked for it for a while.
func unused(t *testing.T, dir, key string, d time.Duration) {
	t.Helper()
	at := time.Now().Add(-d)
	if err := os.Chtimes(filepath.Join(dir, ".breakwater", "records", key+",json"), at, at); err != nil {
		t.Fatal(err)
	}
}

// fill stores n entries of a kilobyte, the first of which have not been used for
// the longest.
func fill(t *testing.T, dir string, n int) {
	t.Helper()
	d := openDisk(t, dir)
	for i := range n {
		put(t, d, fmt.Sprintf("m%03d", i), strings.Repeat("x", 1000))
		unused(t, dir, fmt.Sprintf("m%03d", i), time.Duration(n-i)*time.Hour)
	}
}

func left(d *cache.Disk, n int) (keys []int) {
	for i := range n {
		if stored(d, fmt.Sprintf("m%03d", i)) {
			keys = append(keys, i)
		}
	}
	return keys
}

// A store that is over its bounds when it is opened makes room in the background:
// down to a tenth below, those that were not used for the longest first.
func TestEvictsTheLongestUnused(t *testing.T) {
	for name, bounds := range map[string]cache.Bounds{
		"bytes": {MaxBytes: 50_000}, "files": {MaxFiles: 50},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fill(t, dir, 100)
			d, told := openBounded(t, dir, bounds)
			e := <-told
			if e.Err != nil || e.Entries != 55 || e.Bytes != 55_000 {
				t.Errorf("evicted %+v, want 55 entries", e)
			}
			keys := left(d, 100)
			if len(keys) != 45 || keys[0] != 55 {
				t.Errorf("left: %v", keys)
			}
			if s := d.Stats(); s.Entries != 45 || s.Bytes != 45_000 || s.Evicted != 55 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

// What is stored makes room for itself, and what was asked for stays.
func TestEvictsWhileItIsWrittenTo(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 60)
	d, told := openBounded(t, dir, cache.Bounds{MaxFiles: 50})
	<-told                                               // m000 to m014 are gone
	wantContent(t, d, "m015", strings.Repeat("x", 1000)) // which notes that it is used
	for i := range 6 {
		put(t, d, fmt.Sprint("new", i), "content")
	}
	<-told
	if !stored(d, "m015") || !stored(d, "new0") || !stored(d, "new5") || stored(d, "m016") {
		t.Errorf("left: %v, new: %v", left(d, 60), stored(d, "new0"))
	}
}

// What is pinned stays, what can change goes first, and of two that were not used
// for as long, the one that frees more for the time it takes to fetch it again.
func TestRetention(t *testing.T) {
	dir := t.TempDir()
	first := openDisk(t, dir)
	for key, size := range map[string]int{"pinned": 40_000, "list": 100, "small": 2_000, "large": 40_000, "fresh": 40_000} {
		put(t, first, key, strings.Repeat("x", size))
		unused(t, dir, key, 48*time.Hour)
	}
	unused(t, dir, "pinned", 1000*time.Hour)
	unused(t, dir, "list", 2*time.Hour)
	unused(t, dir, "fresh", time.Minute)
	d, told := openBounded(t, dir, cache.Bounds{MaxBytes: 100_000, Retention: func(key string) cache.Retention {
		switch key {
		case "pinned":
			return cache.Pin
		case "list":
			return cache.EvictFirst
		}
		return cache.Keep
	}})
	<-told
	for key, want := range map[string]bool{"pinned": true, "list": false, "small": true, "large": false, "fresh": true} {
		if got := stored(d, key); got != want {
			t.Errorf("%s is there: %v, want %v", key, got, want)
		}
	}
}

// What nobody asks for is not kept for ever, even if there is room.
func TestMaxAge(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 10)
	d, told := openBounded(t, dir, cache.Bounds{MaxAge: 5*time.Hour + time.Minute})
	<-told
	if keys := left(d, 10); len(keys) != 5 || keys[0] != 5 {
		t.Errorf("left: %v", keys)
	}
}

// Who has an entry open reads on when it is evicted.
func TestEvictionDoesNotDisturbReaders(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 20)
	e, err := openDisk(t, dir).Get(t.Context(), "m000")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Body.Close()
	unused(t, dir, "m000", 1000*time.Hour)
	_, told := openBounded(t, dir, cache.Bounds{MaxFiles: 10})
	<-told
	content := make([]byte, 1000)
	if n, err := e.Body.ReadAt(content, 0); n != 1000 || string(content) != strings.Repeat("x", 1000) {
		t.Errorf("read %d bytes: %v", n, err)
	}
}
