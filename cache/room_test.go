package cache_test

import (
	"fmt"
	"math"
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

// What was noted as one of the worst early in a walk, and is used or replaced before
// the end of it, stays.
func TestUsedDuringTheWalkStays(t *testing.T) {
	for name, use := range map[string]func(*testing.T, *cache.Disk){
		"used":     func(t *testing.T, d *cache.Disk) { wantContent(t, d, "a", "content") },
		"replaced": func(t *testing.T, d *cache.Disk) { put(t, d, "a", "brand new") },
		"neither":  func(*testing.T, *cache.Disk) {},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fill(t, dir, 20)
			put(t, openDisk(t, dir), "a", "content") // which comes first
			unused(t, dir, "a", 10_000*time.Hour)
			held, goOn := make(chan struct{}), make(chan struct{})
			var walks atomic.Int64
			d, told := openBounded(t, dir, cache.Bounds{MaxFiles: 20, Retention: func(key string) cache.Retention {
				if key == "m019" && walks.Add(1) == 2 { // the first only counts
					close(held)
					<-goOn
				}
				return cache.Keep
			}})
			<-held
			use(t, d)
			close(goOn)
			if e := <-told; e.Err != nil || e.Entries == 0 {
				t.Errorf("evicted %+v", e)
			}
			if got, want := stored(d, "a"), name != "neither"; got != want {
				t.Errorf("it is there: %v, want %v", got, want)
			}
		})
	}
}

// Records dated in the future, by a clock that was wrong, are put right by a walk,
// and age from then on.
func TestRecordsOfTheFutureAge(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 5) // by a clock that is decades ahead of the one below
	synctest.Test(t, func(t *testing.T) {
		d, _ := openBounded(t, dir, cache.Bounds{MaxAge: 5 * time.Hour})
		synctest.Wait()
		if s := d.Stats(); s.Entries != 5 {
			t.Errorf("stats %+v: what is of the future is not old", s)
		}
		for i := range 5 {
			file := filepath.Join(dir, ".breakwater", "records", fmt.Sprintf("m%03d,json", i))
			if at := modTime(t, file); !at.Equal(time.Now()) {
				t.Errorf("m%03d was used at %v, and it is %v", i, at, time.Now())
			}
		}
		time.Sleep(7 * time.Hour)
		synctest.Wait()
		if s := d.Stats(); s.Entries != 0 || s.Evicted != 5 {
			t.Errorf("stats %+v after seven hours", s)
		}
		d.Close()
	})
}

// However long it took to fetch an entry, it goes when nobody has asked for it for
// decades.
func TestNothingTookTooLongToGo(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 20)
	c := text(strings.Repeat("x", 1000))
	c.Took = math.MaxInt64
	if err := openDisk(t, dir).Put(t.Context(), "slow", c); err != nil {
		t.Fatal(err)
	}
	unused(t, dir, "slow", 30*365*24*time.Hour)
	d, told := openBounded(t, dir, cache.Bounds{MaxFiles: 15})
	<-told
	if stored(d, "slow") {
		t.Error("it is still there")
	}
	if s := d.Stats(); s.Entries != 13 {
		t.Errorf("stats %+v", s)
	}
}
