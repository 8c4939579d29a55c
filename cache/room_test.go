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

// What took long to fetch stays rather than what did not.
func TestEvictsWhatIsQuicklyFetched(t *testing.T) {
	dir := t.TempDir()
	first := openDisk(t, dir)
	content := strings.Repeat("x", 1000)
	for i := range 20 {
		key, c := fmt.Sprintf("quick%02d", i), text(content)
		c.Took = 10 * time.Millisecond
		if i%2 == 1 {
			key, c.Took = fmt.Sprintf("slow%02d", i), time.Minute
		}
		if err := first.Put(t.Context(), key, c); err != nil {
			t.Fatal(err)
		}
		unused(t, dir, key, 48*time.Hour)
	}
	d, told := openBounded(t, dir, cache.Bounds{MaxFiles: 15})
	<-told
	for i := range 20 {
		if i%2 == 1 && !stored(d, fmt.Sprintf("slow%02d", i)) {
			t.Errorf("slow%02d is gone", i)
		}
	}
	if s := d.Stats(); s.Entries != 13 {
		t.Errorf("stats %+v", s)
	}
}

// Records that a crash, or somebody's rm, left without content go when a walk
// comes by, but not those that somebody may be about to complete.
func TestHalvesGo(t *testing.T) {
	for name, walk := range map[string]func(t *testing.T, dir string){
		"scrub": func(t *testing.T, dir string) {
			if r, err := openDisk(t, dir).Scrub(t.Context(), 0); err != nil || r != (cache.ScrubReport{Entries: 1, Bytes: 2}) {
				t.Errorf("%+v, %v", r, err)
			}
		},
		"janitor": func(t *testing.T, dir string) {
			synctest.Test(t, func(t *testing.T) {
				openBounded(t, dir, cache.Bounds{MaxFiles: 100})
				synctest.Wait()
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			d := openDisk(t, dir)
			for _, key := range []string{"whole", "old/half", "young/half"} {
				put(t, d, key, "xy")
			}
			for _, key := range []string{"old/half", "young/half"} {
				if err := os.Remove(filepath.Join(dir, key)); err != nil {
					t.Fatal(err)
				}
			}
			// The janitor's test has a clock of its own, that begins in the year 2000.
			age := 2 * time.Hour
			if name == "janitor" {
				age = time.Since(time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC))
			}
			unused(t, dir, "old/half", age)
			walk(t, dir)
			wantFiles(t, filepath.Join(dir, ".breakwater", "records"), "whole,json", "young/half,json")
		})
	}
}

// Where everything is pinned, nobody walks through the store for each entry that
// is added.
func TestPinnedBeyondTheBound(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 100)
	synctest.Test(t, func(t *testing.T) {
		var looks atomic.Int64
		d, _ := openBounded(t, dir, cache.Bounds{MaxFiles: 50, Retention: func(string) cache.Retention {
			looks.Add(1)
			return cache.Pin
		}})
		synctest.Wait()
		after := looks.Load()
		for i := range 5 {
			put(t, d, fmt.Sprint("new", i), "x")
			synctest.Wait()
		}
		if n := looks.Load() - after; n != 0 {
			t.Errorf("%d looks at entries for 5 new ones", n)
		}
		put(t, d, "one more", "x") // more than a tenth of the bound
		synctest.Wait()
		if looks.Load() == after {
			t.Error("nobody looks any more")
		}
		if s := d.Stats(); s.Entries != 106 {
			t.Errorf("stats %+v", s)
		}
		d.Close()
	})
}
