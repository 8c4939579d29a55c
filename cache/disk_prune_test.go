package cache_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// What is deleted leaves no directories behind; the entry whose name is that of a
// directory of others stays.
func TestDeleteLeavesNoDirectories(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	put(t, d, "a/file", "x")
	for i := range 10 {
		put(t, d, fmt.Sprintf("m%d/b/@v/list", i), "v1.0.0\n")
	}
	for i := range 10 {
		if err := d.Delete(t.Context(), fmt.Sprintf("m%d/b/@v/list", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Delete(t.Context(), "a/file/below"); err != nil {
		t.Fatal(err)
	}
	wantContent(t, d, "a/file", "x")
	for _, in := range []string{dir, filepath.Join(dir, ".breakwater", "records")} {
		entries, err := os.ReadDir(in)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name() != "a" && e.Name() != ".breakwater" {
				t.Errorf("%s is left in %s", e.Name(), in)
			}
		}
	}
}

// A budget beyond all measure is as good as any.
func TestMemoryOfAnySize(t *testing.T) {
	s := cache.NewMemory(&cache.MemoryOptions{MaxBytes: math.MaxInt64})
	put(t, s, modKey, "module m\n")
	wantContent(t, s, modKey, "module m\n")
}
