package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-go/breakwater/cache"
)

func readOnly(t testing.TB, dir string) cache.Store {
	t.Helper()
	s, err := cache.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.(io.Closer).Close() })
	return s
}

// tree tells all that shows of a directory, but for when it was read.
func tree(t *testing.T, dir string) (lines []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		content, _ := os.ReadFile(filepath.Join(dir, name))
		lines = append(lines, fmt.Sprint(name, info.Mode(), info.ModTime(), string(content)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// Nothing is written, whatever is found and whatever is asked.
func TestReadOnlyChangesNothing(t *testing.T) {
	dir := t.TempDir()
	first := openDisk(t, dir)
	for _, key := range []string{"whole", "rotten", "cut", "old"} {
		put(t, first, key, "content of "+key)
	}
	first.Close()
	quietly(t, filepath.Join(dir, "rotten"), flip)
	if err := os.Truncate(filepath.Join(dir, "cut"), 3); err != nil {
		t.Fatal(err)
	}
	unused(t, dir, "old", 1000*time.Hour)
	before := tree(t, dir)

	s := readOnly(t, dir)
	for range 2 {
		wantContent(t, s, "whole", "content of whole")
		wantContent(t, s, "old", "content of old")
		wantMiss(t, s, "rotten")
		wantMiss(t, s, "cut")
	}
	if err := s.Put(t.Context(), "new", text("x")); !errors.Is(err, cache.ErrReadOnly) {
		t.Errorf("Put: %v", err)
	}
	if _, err := cache.Delete(t.Context(), s, "whole"); err != nil {
		t.Error(err)
	}
	if _, err := cache.Purge(t.Context(), s, func(string) bool { return true }); !errors.Is(err, cache.ErrNotLister) {
		t.Errorf("Purge: %v", err)
	}
	s.(io.Closer).Close()
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("the directory (-before +after):\n%s", diff)
	}
	if _, err := cache.OpenReadOnly(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening what is not there: %v", err)
	}
}

// What is stored over a read-only layer goes to the writable one, and what is
// found there is promoted, whichever comes first.
func TestLayeredReadOnly(t *testing.T) {
	dir := t.TempDir()
	first := openDisk(t, dir)
	put(t, first, modKey, "shipped")
	put(t, first, headKey, "1")
	first.Close()
	for name, layers := range map[string]func(w, r cache.Store) cache.Store{
		"below": func(w, r cache.Store) cache.Store { return cache.Layered(w, r) },
		"above": func(w, r cache.Store) cache.Store { return cache.Layered(r, w) },
	} {
		t.Run(name, func(t *testing.T) {
			w := openDisk(t, t.TempDir())
			s := layers(w, readOnly(t, dir))
			wantContent(t, s, modKey, "shipped")
			if got, want := stored(w, modKey), name == "below"; got != want {
				t.Errorf("promoted: %v, want %v", got, want)
			}
			put(t, s, listKey, "v1.0.0")
			wantContent(t, w, listKey, "v1.0.0")
			spool := filled(t, cache.SpoolFor(s, 0), "spooled")
			file, err := spool.FileName()
			if err != nil || !strings.HasPrefix(file, w.Dir()) {
				t.Errorf("spooled to %s: %v", file, err)
			}
			if err := cache.Commit(t.Context(), s, "moved", spool, cache.Meta{}); err != nil {
				t.Fatal(err)
			}
			wantContent(t, w, "moved", "spooled")
			if ws, ok := s.(cache.Writability); !ok || !ws.Writable() {
				t.Error("it says that it is read-only")
			}
		})
	}
}

// What is stored later counts, wherever the read-only layer stands and whoever
// asks: also after a restart, and beside another process that shares the disk.
// What was never stored since, or is deleted, is that of the read-only layer.
func TestReadOnlyHidesNothing(t *testing.T) {
	shipped := t.TempDir()
	first := openDisk(t, shipped)
	for _, key := range []string{headKey, listKey, modKey, "moved", "large"} {
		put(t, first, key, "1")
	}
	first.Close()
	large := strings.Repeat("x", 200)
	for name, layers := range map[string]func(w, r cache.Store) cache.Store{
		"above":   func(w, r cache.Store) cache.Store { return cache.Layered(r, w) },
		"below":   func(w, r cache.Store) cache.Store { return cache.Layered(w, r) },
		"between": func(w, r cache.Store) cache.Store { return cache.Layered(smallMemory(), r, w) },
		"behind a gate": func(w, r cache.Store) cache.Store {
			return cache.Layered(smallMemory(), cache.Gate(r, nil), cache.Gate(w, nil))
		},
		"two of them": func(w, r cache.Store) cache.Store {
			return cache.Layered(r, smallMemory(), w, readOnly(t, shipped))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			open := func() cache.Store { return layers(openDisk(t, dir), readOnly(t, shipped)) }
			s := open()
			for _, key := range []string{headKey, listKey, modKey} {
				wantContent(t, s, key, "1")
			}
			put(t, s, listKey, "2")
			put(t, s, "large", large)
			spool := filled(t, cache.SpoolFor(s, 0), "2")
			if err := cache.Commit(t.Context(), s, "moved", spool, cache.Meta{}); err != nil {
				t.Fatal(err)
			}
			if err := swap(s, nil, []byte("2")); !errors.Is(err, cache.ErrConflict) {
				t.Errorf("Swap of nothing: %v, want a conflict with what was shipped", err)
			}
			if err := swap(s, []byte("1"), []byte("1+")); err != nil {
				t.Errorf("Swap: %v", err)
			}
			for _, s := range []cache.Store{s, open()} {
				wantContent(t, s, headKey, "1+")
				wantContent(t, s, listKey, "2")
				wantContent(t, s, "moved", "2")
				wantContent(t, s, "large", large)
				wantContent(t, s, modKey, "1")
			}
			if _, err := cache.Delete(t.Context(), s, listKey); err != nil {
				t.Error(err)
			}
			wantContent(t, s, listKey, "1")
		})
	}
}

func smallMemory() cache.Store { return cache.NewMemory(&cache.MemoryOptions{MaxEntry: 100}) }

// Of several read-only layers, the first counts.
func TestLayeredReadOnlyOrder(t *testing.T) {
	var stores []cache.Store
	for _, content := range []string{"first", "second"} {
		dir := t.TempDir()
		put(t, openDisk(t, dir), modKey, content)
		stores = append(stores, readOnly(t, dir))
	}
	for name, s := range map[string]cache.Store{
		"alone":            cache.Layered(stores...),
		"above a writable": cache.Layered(append(slices.Clone(stores), cache.NewMemory(nil))...),
		"around one":       cache.Layered(stores[0], cache.NewMemory(nil), stores[1]),
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				wantContent(t, s, modKey, "first")
			}
			if got, want := s.(cache.Writability).Writable(), name != "alone"; got != want {
				t.Errorf("Writable: %v, want %v", got, want)
			}
		})
	}
}

// A Swap over a read-only layer expects what that has, until it is replaced.
func TestSwapOverReadOnly(t *testing.T) {
	dir := t.TempDir()
	put(t, openDisk(t, dir), headKey, "1")
	s := cache.Layered(openDisk(t, t.TempDir()), readOnly(t, dir))
	for _, old := range []string{"", "2"} {
		var was []byte
		if old != "" {
			was = []byte(old)
		}
		if err := swap(s, was, []byte("3")); !errors.Is(err, cache.ErrConflict) {
			t.Errorf("Swap of %q: %v, want a conflict", old, err)
		}
	}
	for _, step := range [][2]string{{"1", "2"}, {"2", "3"}} {
		if err := swap(s, []byte(step[0]), []byte(step[1])); err != nil {
			t.Errorf("Swap of %q: %v", step[0], err)
		}
		wantContent(t, s, headKey, step[1])
	}
	if err := swap(s, []byte("1"), []byte("4")); !errors.Is(err, cache.ErrConflict) {
		t.Errorf("Swap of what only the read-only layer has: %v", err)
	}
}

// A promotion from a read-only layer does not undo what was stored meanwhile.
func TestReadOnlyPromotionIsOvertaken(t *testing.T) {
	dir := t.TempDir()
	put(t, openDisk(t, dir), headKey, "old")
	slow := &overtakenReadOnly{overtaken{Store: readOnly(t, dir)}}
	s := cache.Layered(openDisk(t, t.TempDir()), slow)
	slow.overtake = func() { put(t, s, headKey, "new") }
	get(t, s, headKey)
	wantContent(t, s, headKey, "new")
}

type overtakenReadOnly struct{ overtaken }

func (*overtakenReadOnly) Writable() bool { return false }

// The lock over a read-only layer is that of the writable one.
func TestLockOverReadOnly(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	unlock, err := cache.Lock(t.Context(), cache.Layered(d, readOnly(t, t.TempDir())), modKey)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := openDisk(t, dir).Lock(gone, modKey); !errors.Is(err, context.Canceled) {
		t.Errorf("another store took the lock: %v", err)
	}
}
