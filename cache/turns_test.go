package cache_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/cache"
)

// Of two that put something under one key at once, in one process or in two, one is
// last: there is an entry.
func TestTwoPutsAtOnceLeaveAnEntry(t *testing.T) {
	for name, other := range map[string]bool{"one store": false, "two on one directory": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			first := openDisk(t, dir)
			second := first
			if other {
				second = openDisk(t, dir)
			}
			long := strings.Repeat("long ", 100)
			for i := range 300 {
				key := fmt.Sprint("m", i%7)
				var writers sync.WaitGroup
				for content, d := range map[string]*cache.Disk{"short": first, long: second} {
					writers.Go(func() {
						if err := d.Put(t.Context(), key, text(content)); err != nil {
							t.Error(err)
						}
					})
				}
				writers.Wait()
				if !stored(first, key) {
					t.Fatalf("after round %d there is no entry", i)
				}
			}
		})
	}
}

// A Put and a Delete at once, in one process or in two, leave an entry or nothing:
// no content without a record, which nobody would ever find, and no record without
// content.
func TestPutAndDeleteAtOnceLeaveNoHalves(t *testing.T) {
	for name, other := range map[string]bool{"one store": false, "two on one directory": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put1 := openDisk(t, dir)
			delete1 := put1
			if other {
				delete1 = openDisk(t, dir)
			}
			for i := range 500 {
				key := fmt.Sprint("m", i%3)
				var both sync.WaitGroup
				both.Go(func() {
					if err := put1.Put(t.Context(), key, text(fmt.Sprint("content ", i))); err != nil {
						t.Error(err)
					}
				})
				both.Go(func() {
					if err := delete1.Delete(t.Context(), key); err != nil {
						t.Error(err)
					}
				})
				both.Wait()
				_, noContent := os.Stat(filepath.Join(dir, key))
				_, noRecord := os.Stat(filepath.Join(dir, ".breakwater", "records", key+",json"))
				if (noContent == nil) != (noRecord == nil) {
					t.Fatalf("round %d left half an entry: content %v, record %v", i, noContent, noRecord)
				}
			}
		})
	}
}

// Who waits for a turn waits no longer than its context.
func TestPutWaitsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDisk(t, t.TempDir())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := d.Put(ctx, "m", text("x")); !errors.Is(err, context.Canceled) {
			t.Errorf("Put: %v", err)
		}
		if stored(d, "m") {
			t.Error("it is stored all the same")
		}
		if err := d.Put(t.Context(), "m", cache.Content{Size: 1, Body: strings.NewReader("x")}); err != nil {
			t.Error(err)
		}
	})
}
