package fetch_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// Two who share a directory, as two processes do: each opens it for itself. Each
// file is asked for once, whoever wants it first, and so is what the checksum
// database says of it.
func TestSharedDirectoryAsksOnce(t *testing.T) {
	o := chaosOrigin(t, "public.example", 20)
	m := newMirror("mirror", o, 1)
	dir := t.TempDir()
	source := m.overSockets(t)
	open := func() *storm {
		c := newClient(t, fetch.Options{Upstream: source, CacheDir: dir, Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey}})
		return &storm{mirrors: [3]*mirror{m}, client: c}
	}
	both := []*storm{open(), open()}
	var all sync.WaitGroup
	for _, s := range both {
		all.Go(func() {
			for _, what := range s.run(t, t.Context(), o.Keys(), 4).wrong {
				t.Error(what)
			}
		})
	}
	all.Wait()
	times := map[string]int{}
	files := map[string]bool{}
	for _, path := range m.paths() {
		times[path]++
		if !strings.HasPrefix(path, "/sumdb/") {
			files[path] = true
		}
	}
	for path, n := range times {
		if most := asksOf(path, 2); n > most {
			t.Errorf("%s was asked for %d times, want at most %d", path, n, most)
		}
	}
	if len(files) != len(o.Keys()) {
		t.Errorf("%d files were asked for, want %d", len(files), len(o.Keys()))
	}
	if left := filesIn(t, filepath.Join(dir, ".breakwater", "locks")); len(left) > 0 {
		t.Errorf("locks are left: %v", left)
	}
}

// asksOf is how often so many who share a cache may ask for a path.
func asksOf(path string, sharers int) int {
	if strings.HasSuffix(path, "/supported") || strings.HasSuffix(path, "/latest") {
		return sharers // it may change, and is each one's own affair
	}
	return 1
}

// A hundred files of the cache are damaged between two runs, in three ways. In
// the second run every answer is right, in the same request.
func TestDamagedCacheIsMended(t *testing.T) {
	o := chaosOrigin(t, "public.example", 34)
	m := newMirror("mirror", o, 1)
	source := m.overSockets(t)
	dir := t.TempDir()
	open := func() *storm {
		c := newClient(t, fetch.Options{Upstream: source, CacheDir: dir, Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey}})
		return &storm{mirrors: [3]*mirror{m}, client: c}
	}
	first := open()
	for _, what := range first.run(t, t.Context(), o.Keys(), 4).wrong {
		t.Fatal(what)
	}
	if err := first.client.Close(); err != nil {
		t.Fatal(err)
	}
	damaged := map[string]bool{}
	for i, key := range o.Keys() {
		if strings.Contains(key, "/@v/v") && len(damaged) < 100 {
			damage(t, filepath.Join(dir, filepath.FromSlash(key)), i%3)
			damaged["/"+key] = true
		}
	}
	m.paths()
	second := open()
	for _, what := range second.run(t, t.Context(), o.Keys(), 4).wrong {
		t.Error(what)
	}
	for _, path := range m.paths() {
		if !damaged[path] {
			t.Errorf("%s was asked for again, which was whole", path)
		}
		delete(damaged, path)
	}
	if len(damaged) > 0 {
		t.Errorf("not asked for again: %v", damaged)
	}
}

// damage flips a bit, cuts off or empties a file, and leaves its times as they
// were.
func damage(t *testing.T, file string, how int) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	switch how {
	case 0:
		content[len(content)/2] ^= 1
	case 1:
		content = content[:len(content)-1]
	case 2:
		content = nil
	}
	if err := os.WriteFile(file, content, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

// A cache with a bound stays useful: what can change goes first, and what is
// pinned stays.
func TestBoundedCache(t *testing.T) {
	o := chaosOrigin(t, "public.example", 20)
	m := newMirror("mirror", o, 1)
	dir := t.TempDir()
	c := newClient(t, fetch.Options{
		Upstream: m.overSockets(t), CacheDir: dir, CacheBytes: 200 << 10, MemoryBytes: -1,
		Pinned: "public.example/m00", Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey},
	})
	s := &storm{mirrors: [3]*mirror{m}, client: c}
	for range 3 {
		for _, what := range s.run(t, t.Context(), o.Keys(), 4).wrong {
			t.Error(what)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "public.example", "m00", "@v", "v1.0.0.zip")); err != nil {
		t.Errorf("what is pinned: %v", err)
	}
	var held int64
	for _, key := range o.Keys() {
		if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(key))); err == nil && !strings.Contains(key, "/m00/") {
			held += info.Size()
		}
	}
	// The bound is kept in the background: what came last may be over it.
	if most := int64(1200 << 10); held > most {
		t.Errorf("%d bytes are held beside what is pinned, want at most %s", held, fmt.Sprint(most))
	}
}

// How long it took to fetch a file is noted beside it: what takes long is the last
// to be evicted.
func TestStoreKnowsHowLongItTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := cache.NewMemory(nil)
		slow := &scripted{answer: func(context.Context, upstream.Request) (string, error) {
			time.Sleep(3 * time.Second)
			return goMod, nil
		}}
		c := newClient(t, fetch.Options{Upstream: slow, Store: store, Hedge: &upstream.HedgeOptions{Burst: -1}})
		req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
		resp, err := c.Fetch(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		flush(t, c)
		e, err := store.Get(t.Context(), req.Key())
		if err != nil {
			t.Fatal(err)
		}
		e.Body.Close()
		if e.Took != 3*time.Second {
			t.Errorf("it took %v, want 3s", e.Took)
		}
	})
}
