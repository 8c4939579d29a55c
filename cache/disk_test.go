package cache_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-go/breakwater/cache"
)

// openDisk opens a store that is closed with the test. Without fsync: tests do
// not crash the machine.
func openDisk(t testing.TB, dir string) *cache.Disk {
	t.Helper()
	d, err := cache.OpenDisk(dir, &cache.DiskOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// files returns the paths of all that is not a directory below dir, without what
// processes know each other by.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		shared := strings.HasPrefix(name, ".breakwater/owners/") || name == ".breakwater/ranges"
		if err == nil && !d.IsDir() && !shared {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func wantFiles(t testing.TB, dir string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("files in %s (-want +got):\n%s", dir, diff)
	}
}

func TestDiskLayout(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "is", "made")
	d := openDisk(t, dir)
	put(t, d, modKey, "module example.com/Upper/mod\n")
	put(t, d, listKey, "v1.2.3\n")
	wantFiles(t, dir,
		".breakwater/records/"+listKey+",json",
		".breakwater/records/"+modKey+",json",
		listKey,
		modKey,
	)
	got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(modKey)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("module example.com/Upper/mod\n", string(got)); diff != "" {
		t.Errorf("the file (-want +got):\n%s", diff)
	}
	if _, err := cache.Delete(t.Context(), d, modKey); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, ".breakwater/records/"+listKey+",json", listKey)
}

func TestDiskReopen(t *testing.T) {
	dir := t.TempDir()
	fetched := time.Date(2024, 2, 29, 1, 2, 3, 4, time.UTC)
	meta := cache.Meta{Fetched: fetched, Origin: "mirror", Verified: "sumdb"}
	first := openDisk(t, dir)
	c := text("v1.2.3\n")
	c.Meta = meta
	if err := first.Put(t.Context(), listKey, c); err != nil {
		t.Fatal(err)
	}
	before, err := first.Get(t.Context(), listKey)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Body.Close()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := before.Body.ReadAt(make([]byte, 7), 0); err != nil {
		t.Errorf("reading an entry of a store that was closed: %v", err)
	}
	// Two stores may have one directory, as two processes do.
	for _, d := range []*cache.Disk{openDisk(t, dir), openDisk(t, dir)} {
		wantContent(t, d, listKey, "v1.2.3\n")
		e, err := d.Get(t.Context(), listKey)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Body.Close()
		meta.Digest = e.Digest
		if diff := cmp.Diff(meta, e.Meta); diff != "" {
			t.Errorf("Meta (-want +got):\n%s", diff)
		}
		if _, ok := e.Body.(*os.File); !ok {
			t.Errorf("Body is a %T, want an *os.File", e.Body)
		}
	}
}

// TestDiskGivesUp cancels a Put midway, as when the last waiter has gone.
func TestDiskGivesUp(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	put(t, d, modKey, "old")
	gone := errors.New("nobody waits any more")
	ctx, cancel := context.WithCancelCause(t.Context())
	body := io.MultiReader(strings.NewReader("ne"), readerFunc(func(p []byte) (int, error) {
		cancel(gone)
		return copy(p, "w"), nil
	}), strings.NewReader("er"))
	if err := d.Put(ctx, modKey, cache.Content{Size: 5, Body: body}); !errors.Is(err, gone) {
		t.Errorf("Put: %v, want %v", err, gone)
	}
	if _, err := d.Get(ctx, modKey); !errors.Is(err, gone) {
		t.Errorf("Get: %v, want %v", err, gone)
	}
	wantContent(t, d, modKey, "old")
	wantFiles(t, filepath.Join(dir, tempDir))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestOpenDiskFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		d, err := cache.OpenDisk(dir, nil)
		if err == nil {
			d.Close()
			t.Errorf("OpenDisk(%q) succeeded", dir)
		} else if !strings.Contains(err.Error(), file) {
			t.Errorf("OpenDisk(%q): %v, which does not name the file in the way", dir, err)
		}
	}
}
