package fetch_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
)

// Two who share a directory, as two processes do: each opens it for itself. Each
// file is asked for once, whoever wants it first.
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
	for _, path := range m.paths() {
		if !strings.HasPrefix(path, "/sumdb/") { // what the database says is kept by each for itself
			times[path]++
		}
	}
	for path, n := range times {
		if n > 1 {
			t.Errorf("%s was asked for %d times", path, n)
		}
	}
	if len(times) != len(o.Keys()) {
		t.Errorf("%d files were asked for, want %d", len(times), len(o.Keys()))
	}
	if left := filesIn(t, filepath.Join(dir, ".breakwater", "locks")); len(left) > 0 {
		t.Errorf("locks are left: %v", left)
	}
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
