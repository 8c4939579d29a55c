package cache_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// Who removes the directory under a running process has emptied the cache, and
// nothing else.
func TestDirectoryIsRemoved(t *testing.T) {
	for name, store := range map[string]func(*testing.T, *cache.Disk) error{
		"put": func(t *testing.T, d *cache.Disk) error { return d.Put(t.Context(), modKey, text("module m\n")) },
		"move": func(t *testing.T, d *cache.Disk) error {
			return cache.Commit(t.Context(), d, modKey, filled(t, d.NewSpool(0), "module m\n"), cache.Meta{})
		},
		"swap": func(t *testing.T, d *cache.Disk) error {
			return d.Swap(t.Context(), modKey, nil, []byte("module m\n"), cache.Meta{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			d, err := cache.OpenDisk(dir, &cache.DiskOptions{Bounds: cache.Bounds{MaxFiles: 100}})
			if err != nil {
				t.Fatal(err)
			}
			put(t, d, modKey, "module m\n")
			for range 3 {
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
				if stored(d, modKey) {
					t.Error("the entry is still found")
				}
				if err := store(t, d); err != nil {
					t.Fatalf("after the directory was removed: %v", err)
				}
				wantContent(t, d, modKey, "module m\n")
			}
			// What another process has open there is not taken for a dead one's.
			temp := filepath.Join(dir, tempDir, "put-"+ownerName(t, dir)+"-x")
			if err := os.WriteFile(temp, nil, 0o666); err != nil {
				t.Fatal(err)
			}
			openDisk(t, dir)
			if _, err := os.Stat(temp); err != nil {
				t.Error(err)
			}
			os.Remove(temp)
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func ownerName(t *testing.T, dir string) string {
	t.Helper()
	owners, err := os.ReadDir(filepath.Join(dir, ".breakwater", "owners"))
	if err != nil || len(owners) != 1 {
		t.Fatalf("owners %v: %v", owners, err)
	}
	return owners[0].Name()
}
