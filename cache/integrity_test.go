package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// quietly changes a file and keeps its size and times, as bit rot does.
func quietly(t *testing.T, file string, change func([]byte)) {
	t.Helper()
	changed := modTime(t, file)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	change(content)
	if err := os.WriteFile(file, content, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, changed, changed); err != nil {
		t.Fatal(err)
	}
}

func flip(content []byte) { content[len(content)/2] ^= 1 }

// A flipped bit that neither size nor time shows is found by the first read of a
// process, however large the file: a miss, put aside, told, and mended by a Put.
func TestDiskFindsBitRot(t *testing.T) {
	for _, size := range []int{1, 1000, 3 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			dir := t.TempDir()
			content := strings.Repeat("x", size)
			put(t, openDisk(t, dir), modKey, content)
			quietly(t, filepath.Join(dir, filepath.FromSlash(modKey)), flip)

			var told []cache.Corruption
			d, err := cache.OpenDisk(dir, &cache.DiskOptions{OnCorruption: func(c cache.Corruption) { told = append(told, c) }})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			_, err = d.Get(t.Context(), modKey)
			if miss, ok := errors.AsType[*cache.MissError](err); !ok || miss.Err == nil {
				t.Fatalf("got %v, want a miss that says why", err)
			}
			if len(told) != 1 || told[0].Key != modKey || d.Stats().Damaged != 1 {
				t.Fatalf("told of %v, and counted %d", told, d.Stats().Damaged)
			}
			if kept, err := os.ReadFile(told[0].File); err != nil || len(kept) != size {
				t.Errorf("put aside: %d bytes, %v", len(kept), err)
			}
			if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(modKey))); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("it is still there: %v", err)
			}
			put(t, d, modKey, content)
			wantContent(t, d, modKey, content)
		})
	}
}

// A file that is replaced by another one while the process runs is read again.
func TestDiskReadsWhatHasChangedAgain(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	put(t, d, modKey, "module a\n")
	wantContent(t, d, modKey, "module a\n")
	file := filepath.Join(dir, filepath.FromSlash(modKey))
	changed := modTime(t, file)
	other := file + ".other" // another inode
	if err := os.WriteFile(other, []byte("module b\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chtimes(other, changed, changed), os.Rename(other, file)); err != nil {
		t.Fatal(err)
	}
	wantMiss(t, d, modKey)
}

// Many who come at once wait for one who reads the file through.
func TestDiskManyFirstReaders(t *testing.T) {
	dir := t.TempDir()
	content := strings.Repeat("0123456789", 1<<18)
	put(t, openDisk(t, dir), modKey, content)
	d := openDisk(t, dir)
	done := make(chan error)
	for range 16 {
		go func() {
			e, err := d.Get(context.Background(), modKey)
			if err == nil {
				e.Body.Close()
			}
			done <- err
		}()
	}
	for range 16 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A hundred files and one are damaged between two runs, in three ways: afterwards each is
// a miss or whole, and the scrub has found what nobody asked for.
func TestScrub(t *testing.T) {
	dir := t.TempDir()
	first := openDisk(t, dir)
	rng := rand.New(rand.NewPCG(1, 2))
	content := map[string]string{}
	for i := range 200 {
		key := fmt.Sprintf("m%d/@v/v1.0.0.mod", i)
		content[key] = fmt.Sprintf("module m%d\n", i) + strings.Repeat("x", rng.IntN(5000))
		put(t, first, key, content[key])
	}
	i := 0
	for key := range content {
		file := filepath.Join(dir, filepath.FromSlash(key))
		switch i % 6 {
		case 0:
			quietly(t, file, flip)
		case 1:
			quietly(t, file, func(b []byte) { copy(b, bytes.Repeat([]byte{0}, len(b)/2)) })
		case 2:
			if err := os.Truncate(file, 3); err != nil {
				t.Fatal(err)
			}
		}
		i++
	}
	d := openDisk(t, dir)
	report, err := d.Scrub(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if report.Damaged != 68 {
		t.Errorf("the scrub found %d damaged of %d entries, want 68: the rest of the 101 shows by its size", report.Damaged, report.Entries)
	}
	whole := 0
	for key, want := range content {
		if !stored(d, key) {
			continue
		}
		whole++
		wantContent(t, d, key, want)
	}
	if whole != 99 {
		t.Errorf("%d entries are left, want 99", whole)
	}
}

// Only the latest damaged files are kept.
func TestQuarantineIsBounded(t *testing.T) {
	dir := t.TempDir()
	for i := range 40 {
		key := fmt.Sprintf("m%d", i)
		put(t, openDisk(t, dir), key, "content")
		quietly(t, filepath.Join(dir, key), flip)
		wantMiss(t, openDisk(t, dir), key)
	}
	kept, err := os.ReadDir(filepath.Join(dir, ".breakwater", "quarantine"))
	if err != nil || len(kept) != 16 {
		t.Errorf("%d files are kept, want 16: %v", len(kept), err)
	}
}

// Where the store is bounded, damaged files that are kept take a small part of the
// bound: what is larger is removed.
func TestQuarantineTakesLittleOfABound(t *testing.T) {
	for size, kept := range map[int]bool{390: true, 391: false} {
		dir := t.TempDir()
		put(t, openDisk(t, dir), modKey, strings.Repeat("x", size))
		quietly(t, filepath.Join(dir, modKey), flip)
		var told cache.Corruption
		d, err := cache.OpenDisk(dir, &cache.DiskOptions{
			Bounds: cache.Bounds{MaxBytes: 100_000}, OnCorruption: func(c cache.Corruption) { told = c },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		wantMiss(t, d, modKey)
		if told.Key != modKey || (told.File != "") != kept {
			t.Errorf("of a file of %d bytes was told %+v", size, told)
		}
		wantFiles(t, filepath.Join(dir, ".breakwater", "records"))
	}
}
