package main

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/google/go-cmp/cmp"
)

func TestEntriesAreDistinct(t *testing.T) {
	keys, contents := map[string]bool{}, map[string]bool{}
	const n = 5000
	for i := range n {
		key, content := entryKey(i), entryContent(i, smallContent)
		if err := cache.CheckKey(key); err != nil {
			t.Fatal(err)
		}
		if len(content) < smallContent {
			t.Fatalf("%s has %d bytes", key, len(content))
		}
		keys[key], contents[string(content)] = true, true
	}
	if len(keys) != n || len(contents) != n {
		t.Errorf("%d keys and %d contents of %d entries", len(keys), len(contents), n)
	}
}

func TestDrawKeys(t *testing.T) {
	var all []string
	for i := range 3 {
		all = append(all, entryKey(i))
	}
	drawn := drawKeys(3, 100)
	if diff := cmp.Diff(drawn, drawKeys(3, 100)); diff != "" {
		t.Errorf("drawn again:\n%s", diff)
	}
	slices.Sort(drawn)
	if diff := cmp.Diff(all, slices.Compact(drawn)); diff != "" {
		t.Errorf("drawn of three (-want +got):\n%s", diff)
	}
}

// A miss must not pass for a fast hit.
func TestHitsAreChecked(t *testing.T) {
	s := cache.NewMemory(nil)
	if err := fill(t.Context(), s, 0, 10, smallContent); err != nil {
		t.Fatal(err)
	}
	found := func(key string) bool { return cache.Hold(s, key) != nil }
	if _, err := timeHits(10, 100, found)(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := timeHits(11, 100, found)(t.Context()); !errors.Is(err, errNoHit) {
		t.Errorf("an entry that is missing: %v", err)
	}
}

// All that a store was filled with is in it: nothing had to go for its budget.
func TestFilled(t *testing.T) {
	e := &env{dir: t.TempDir()}
	memory, err := filledMemory(t.Context(), 300, smallContent)
	if err != nil {
		t.Fatal(err)
	}
	disk, err := filledDisk(t.Context(), e, 301, smallContent)
	if err != nil {
		t.Fatal(err)
	}
	got := []int{countEntries(t, memory), countEntries(t, disk)}
	if diff := cmp.Diff([]int{300, 301}, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if err := disk.Close(); err != nil {
		t.Error(err)
	}
}

// What is measured on disk runs on a directory that is made once.
func TestOnDisk(t *testing.T) {
	e := &env{quick: true, dir: t.TempDir()}
	var stack closers
	const n = 50
	for name, measured := range map[string]onDisk{"hits": hitsOnDisk, "openings": openings} {
		dir, err := storeDir(t.Context(), e, n)
		if err != nil {
			t.Fatal(err)
		}
		side, err := measured(e, dir, n, &stack)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := side(t.Context()); err != nil || s.value <= 0 {
			t.Errorf("%s: %v, %v", name, s.value, err)
		}
	}
	if err := stack.close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(e.dir); err != nil || len(left) != 1 {
		t.Errorf("directories: %v, %v", left, err)
	}
}

func countEntries(t *testing.T, s cache.Store) (n int) {
	t.Helper()
	lister, ok := s.(cache.Lister)
	if !ok {
		t.Fatalf("%T lists nothing", s)
	}
	err := lister.List(t.Context(), func(string) error {
		n++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTooLarge(t *testing.T) {
	for _, test := range []struct {
		quick bool
		n     int
		want  bool // it is skipped
	}{
		{false, 1_000_000, false},
		{true, 10_000, false},
		{true, 100_000, true},
	} {
		if got := reason(tooLarge(&env{quick: test.quick}, test.n)) != ""; got != test.want {
			t.Errorf("quick %t, %d entries: skipped %t", test.quick, test.n, got)
		}
	}
}
