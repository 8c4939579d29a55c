package cache_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-go/breakwater/cache"
)

// Each wrapper tells of what it wraps, in the order in which Get asks.
func TestUsageOfLayers(t *testing.T) {
	memory := cache.NewMemory(nil)
	one, other := openDisk(t, t.TempDir()), openDisk(t, t.TempDir())
	fixed := readOnly(t, t.TempDir())
	tests := []struct {
		name  string
		store cache.Store
		want  string
	}{
		{"none", nil, ""},
		{"memory", memory, "memory"},
		{"disk", one, "disk"},
		{"read-only", fixed, "disk"},
		{"memory over disk", cache.Layered(memory, one), "memory disk"},
		{"four layers", cache.Layered(memory, fixed, one, other), "memory disk disk disk"},
		{"no layers", cache.Layered(), ""},
		{"gate", cache.Gate(one, nil), "disk"},
		{"write-back", cache.WriteBack(one, nil), "queue disk"},
		{"all", cache.Layered(memory, cache.Gate(cache.WriteBack(one, nil), nil), fixed), "memory queue disk disk"},
		{"an embedder's own", plain{one}, ""},
		{"memory over an embedder's own", cache.Layered(memory, plain{one}), "memory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, u := range cache.UsageOf(test.store) {
				got = append(got, u.Layer)
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("layers (-want +got):\n%s", diff)
			}
		})
	}
}

// What memory holds is counted, and each entry that was stored is there or evicted.
func TestUsageOfMemory(t *testing.T) {
	s := cache.NewMemory(&cache.MemoryOptions{MaxBytes: 256 << 10})
	const puts = 2000
	for i := range puts {
		put(t, s, fmt.Sprint("k", i), strings.Repeat("x", 1000))
	}
	var keys, size int64
	err := s.(cache.Lister).List(t.Context(), func(key string) error {
		keys, size = keys+1, size+1000+int64(len(key))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	u := cache.UsageOf(s)[0]
	if u.Bytes <= size || u.Bytes > u.MaxBytes {
		t.Errorf("%d bytes, want more than the %d of keys and content, within %d", u.Bytes, size, u.MaxBytes)
	}
	want := cache.Usage{Layer: "memory", Known: true, Entries: keys, Bytes: u.Bytes, MaxBytes: 256 << 10, Evicted: puts - keys}
	if diff := cmp.Diff([]cache.Usage{want}, cache.UsageOf(s)); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
	if _, err := cache.Purge(t.Context(), s, func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	want.Entries, want.Bytes = 0, 0
	if diff := cmp.Diff([]cache.Usage{want}, cache.UsageOf(s)); diff != "" {
		t.Errorf("usage when all is deleted (-want +got):\n%s", diff)
	}
}

// So is what is new and has to prove itself.
func TestUsageOfMemoryCountsTheNew(t *testing.T) {
	s := cache.NewMemory(nil)
	put(t, s, "new", strings.Repeat("x", 1000))
	if u := cache.UsageOf(s)[0]; u.Entries != 1 || u.Bytes < 1003 {
		t.Errorf("usage %+v", u)
	}
}

func TestUsageBoundsOfMemory(t *testing.T) {
	for budget, want := range map[int64]int64{0: 64 << 20, 1 << 20: 1 << 20, 1: 1, -1: -1} {
		if got := cache.UsageOf(cache.NewMemory(&cache.MemoryOptions{MaxBytes: budget}))[0].MaxBytes; got != want {
			t.Errorf("MaxBytes of %d is told as %d, want %d", budget, got, want)
		}
	}
}

// A disk store without bounds does not count, and says so.
func TestUsageOfDiskWithoutBounds(t *testing.T) {
	d := openDisk(t, t.TempDir())
	for _, key := range []string{"a", "b"} {
		put(t, d, key, "content")
	}
	quietly(t, filepath.Join(d.Dir(), "a"), flip)
	again := openDisk(t, d.Dir())
	fixed := readOnly(t, d.Dir())
	for _, s := range []cache.Store{fixed, again} { // the second puts it aside
		wantMiss(t, s, "a")
	}
	want := []cache.Usage{
		{Layer: "disk", Dir: d.Dir()},
		{Layer: "disk", Dir: d.Dir(), Damaged: 1},
		{Layer: "disk", Dir: d.Dir(), Damaged: 1, ReadOnly: true},
	}
	if diff := cmp.Diff(want, cache.UsageOf(cache.Layered(d, again, fixed))); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
}

// A bounded one knows what is there when a walk has come to its end, and not any
// more when the directory turns out to be another one, until the next has.
func TestUsageOfBoundedDisk(t *testing.T) {
	dir := t.TempDir()
	first := openDisk(t, dir)
	for i := range 3 {
		put(t, first, fmt.Sprint("m", i), "content")
	}
	synctest.Test(t, func(t *testing.T) {
		walks := make(chan struct{}) // at each entry
		d, _ := openBounded(t, dir, cache.Bounds{MaxBytes: 1 << 20, MaxFiles: 10, Retention: func(string) cache.Retention {
			<-walks
			return cache.Keep
		}})
		want := cache.Usage{Layer: "disk", Dir: d.Dir(), MaxBytes: 1 << 20, MaxEntries: 10}
		wantUsage := func(when string) {
			t.Helper()
			synctest.Wait()
			if diff := cmp.Diff([]cache.Usage{want}, cache.UsageOf(d)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		wantUsage("during the first walk")
		put(t, d, "m3", "more content")
		wantUsage("with what was stored beside it")
		if err := d.Delete(t.Context(), "m3"); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			walks <- struct{}{}
		}
		want.Known, want.Entries, want.Bytes = true, 3, 3*7
		wantUsage("after it")
		put(t, d, "m4", "one more")
		want.Entries, want.Bytes = 4, 3*7+8
		wantUsage("with one more")

		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		put(t, openDisk(t, dir), "other", "another store's")
		wantMiss(t, d, "m0")
		want.Known, want.Entries, want.Bytes = false, 0, 0
		wantUsage("when the directory is another one")
		close(walks)
		want.Known, want.Entries, want.Bytes = true, 1, 15
		wantUsage("after a walk through that")
		d.Close()
		wantUsage("when it is closed")
	})
}

func TestUsageTellsEvictions(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		d, _ := openBounded(t, dir, cache.Bounds{MaxFiles: 10})
		for i := range 30 {
			put(t, d, fmt.Sprint("m", i), "x")
		}
		time.Sleep(2 * time.Hour) // for an exact account
		synctest.Wait()
		u := cache.UsageOf(d)[0]
		if u.Entries > 10 || u.Entries+u.Evicted != 30 || u.MaxBytes != 0 {
			t.Errorf("of 30 entries stored, %+v", u)
		}
		d.Close()
	})
}

// What waits to be written is a layer of its own, with what is being written.
func TestUsageOfQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tier := &slowTier{Store: cache.NewMemory(nil), takes: time.Second}
		w := cache.WriteBack(tier, &cache.WriteBackOptions{Entries: 4, Bytes: 100})
		want := cache.Usage{Layer: "queue", Known: true, MaxEntries: 4, MaxBytes: 100}
		wantQueue := func(entries, bytes int64) {
			t.Helper()
			synctest.Wait()
			want.Entries, want.Bytes = entries, bytes
			if diff := cmp.Diff([]cache.Usage{want}, cache.UsageOf(w)); diff != "" {
				t.Errorf("usage (-want +got):\n%s", diff)
			}
		}
		wantQueue(0, 0)
		put(t, w, "a", "12345")
		put(t, w, "b", "123")
		cache.Delete(t.Context(), w, "a")
		wantQueue(3, 8)
		if err := w.Put(t.Context(), "c", text(strings.Repeat("x", 99))); !errors.Is(err, cache.ErrBacklog) {
			t.Errorf("what there is no room for: %v", err)
		}
		time.Sleep(time.Second)
		wantQueue(2, 3)
		time.Sleep(time.Second)
		wantQueue(0, 0)
		closeStore(t, w)
	})
}

// What could not be written does not wait any more.
func TestUsageOfQueueThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := cache.WriteBack(&slowTier{Store: cache.NewMemory(nil), err: errors.New("disk on fire")}, nil)
		put(t, w, "a", "12345")
		synctest.Wait()
		if u := cache.UsageOf(w)[0]; u.Entries != 0 || u.Bytes != 0 {
			t.Errorf("usage %+v", u)
		}
		closeStore(t, w)
	})
}

// told is a moody store that says how much it holds.
type told struct{ *moody }

func (s told) Usage() []cache.Usage { return cache.UsageOf(s.Store) }

// A store that is left alone is asked nevertheless, and said to be left alone until
// a call has succeeded.
func TestUsageOfGated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &moody{Store: cache.NewMemory(nil), err: errors.New("stale file handle")}
		inner := cache.Gate(told{m}, nil)
		g := cache.Gate(inner, nil) // which is well: its store makes misses of failures
		wantGated := func(want bool) {
			t.Helper()
			if u := cache.UsageOf(g); len(u) != 1 || u[0].Layer != "memory" || u[0].Gated != want {
				t.Errorf("usage %+v, want Gated %v", u, want)
			}
		}
		wantGated(false)
		for range 3 {
			g.Get(context.Background(), modKey)
		}
		wantGated(true)
		m.err = nil
		time.Sleep(10 * time.Second)
		wantGated(true)
		wantMiss(t, g, modKey)
		wantGated(false)
	})
}

// To look is safe beside everything else.
func TestUsageWhileManyUseIt(t *testing.T) {
	s := cache.Layered(cache.NewMemory(&cache.MemoryOptions{MaxBytes: 64 << 10}), cache.WriteBack(openDisk(t, t.TempDir()), nil))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 300 {
			put(t, s, fmt.Sprint("k", i%20), strings.Repeat("x", i))
			cache.Delete(t.Context(), s, fmt.Sprint("k", (i+7)%20))
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		for _, u := range cache.UsageOf(s) {
			if u.Entries < 0 || u.Bytes < 0 {
				t.Fatalf("usage %+v", u)
			}
		}
	}
	closeStore(t, s)
}

func BenchmarkUsage(b *testing.B) {
	s := cache.Layered(cache.NewMemory(nil), openDisk(b, b.TempDir()))
	for range 1000 {
		put(b, s, modKey, "content")
	}
	b.ReportAllocs()
	for b.Loop() {
		cache.UsageOf(s)
	}
}
