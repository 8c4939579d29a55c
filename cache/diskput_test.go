package cache_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// A body that does not end is read until it is known to be too long.
func TestPutReadsNoMoreThanAnnounced(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	read := 0
	endless := readerFunc(func(p []byte) (int, error) {
		read += len(p)
		return len(p), nil
	})
	if err := d.Put(t.Context(), modKey, cache.Content{Size: 5, Body: endless}); err == nil {
		t.Error("it is stored")
	}
	if read != 6 {
		t.Errorf("read %d bytes of a body of 5, want one more", read)
	}
	wantFiles(t, dir)
}

// Metadata that a record could not give back unchanged is refused, and what was
// there stays.
func TestPutRefusesMetadata(t *testing.T) {
	for name, meta := range map[string]cache.Meta{
		"large":          {Origin: strings.Repeat("o", 70<<10)},
		"large together": {Origin: strings.Repeat("o", 40<<10), Verified: strings.Repeat("v", 40<<10)},
		"large in JSON":  {Origin: strings.Repeat("\x01", 20<<10)},
		"origin":         {Origin: "mirror \xff"},
		"verified":       {Verified: "\xc0\x80"},
		"year":           {Fetched: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			d := openDisk(t, dir)
			put(t, d, "old", "content")
			spool := filled(t, d.NewSpool(0), "module m\n")
			for _, key := range []string{"old", "new"} {
				c := text("module m\n")
				c.Meta = meta
				if err := d.Put(t.Context(), key, c); err == nil {
					t.Errorf("Put(%q) succeeded", key)
				}
				if err := cache.Commit(t.Context(), d, key, spool, meta); err == nil {
					t.Errorf("Commit(%q) succeeded", key)
				}
			}
			wantContent(t, d, "old", "content")
			wantMiss(t, d, "new")
			if err := cache.Commit(t.Context(), d, "new", spool, cache.Meta{}); err != nil {
				t.Errorf("the spool is harmed: %v", err)
			}
			wantContent(t, d, "new", "module m\n")
			wantFiles(t, filepath.Join(dir, tempDir))
		})
	}
}

// What is larger than the bound by itself is refused, for it would be the next to
// go; what is pinned is taken.
func TestPutBeyondTheBound(t *testing.T) {
	d, _ := openBounded(t, t.TempDir(), cache.Bounds{MaxBytes: 1000, Retention: func(key string) cache.Retention {
		if key == "pinned" {
			return cache.Pin
		}
		return cache.Keep
	}})
	large := strings.Repeat("x", 1001)
	if err := d.Put(t.Context(), "m", text(large)); !errors.Is(err, cache.ErrTooLarge) {
		t.Errorf("Put: %v", err)
	}
	spool := filled(t, d.NewSpool(0), large)
	defer spool.Close()
	if err := cache.Commit(t.Context(), d, "m", spool, cache.Meta{}); !errors.Is(err, cache.ErrTooLarge) || stored(d, "m") {
		t.Errorf("Commit: %v", err)
	}
	put(t, d, "pinned", large)
	put(t, d, "m", large[:1000])
}
