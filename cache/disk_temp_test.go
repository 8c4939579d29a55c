package cache_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

const tempDir = ".breakwater/tmp"

func TestDiskLeftovers(t *testing.T) {
	dir := t.TempDir()
	put(t, openDisk(t, dir), modKey, "content is older than a day, too")
	for name, age := range map[string]time.Duration{
		tempDir + "/spool-old": 25 * time.Hour,
		tempDir + "/put-old":   1000 * time.Hour,
		tempDir + "/put-young": 23 * time.Hour,
		"stranger":             25 * time.Hour,
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte("half a down"), 0o666); err != nil {
			t.Fatal(err)
		}
		changed := time.Now().Add(-age)
		if err := os.Chtimes(file, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	openDisk(t, dir)
	wantFiles(t, dir,
		".breakwater/records/"+modKey+",json", tempDir+"/put-young", modKey, "stranger")
}

// TestDiskLeavesNothing does what can go wrong and looks for temporary files.
func TestDiskLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	put(t, d, "a/file", "x")
	lost := errors.New("connection lost")
	for name, key := range map[string]string{
		"stored":                           "b",
		"below a file":                     "a/file/below",
		"with a record below a record":     "a/file.json/below",
		"longer than a file name":          strings.Repeat("k", 300),
		"with a record of too long a name": strings.Repeat("k", 253),
	} {
		// Most of these fail; that is not the question here.
		d.Put(t.Context(), key, text(name))
		d.Put(t.Context(), key, cache.Content{Size: 100, Body: text(name).Body})
		d.Put(t.Context(), key, cache.Content{
			Size: 100, Body: io.MultiReader(text(name).Body, iotest.ErrReader(lost)),
		})
		for _, memory := range []int64{0, 1 << 20} {
			spool := d.NewSpool(memory)
			if _, err := io.WriteString(spool, name); err != nil {
				t.Fatal(err)
			}
			d.Move(t.Context(), key, spool, cache.Meta{}) // not finished
			if err := spool.Finish(); err != nil {
				t.Fatal(err)
			}
			d.Move(t.Context(), key, spool, cache.Meta{})
			if err := spool.Close(); err != nil {
				t.Errorf("%s: closing the spool: %v", name, err)
			}
		}
	}
	wantContent(t, d, "b", "stored")
	wantFiles(t, filepath.Join(dir, tempDir))
}

func TestDiskSpoolWithoutItsDirectory(t *testing.T) {
	elsewhere := t.TempDir()
	t.Setenv("TMPDIR", elsewhere)
	dir := t.TempDir()
	d := openDisk(t, dir)
	if err := os.Remove(filepath.Join(dir, tempDir)); err != nil {
		t.Fatal(err)
	}
	spool := d.NewSpool(0)
	defer spool.Close()
	if _, err := io.WriteString(spool, "content"); err != nil {
		t.Fatal(err)
	}
	if err := spool.Finish(); err != nil {
		t.Fatal(err)
	}
	name, err := spool.FileName()
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(name) != elsewhere {
		t.Errorf("the spool's file is %s, want one in %s", name, elsewhere)
	}
	if err := spool.Close(); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, elsewhere)
}

// A directory that is emptied while the store is open is filled again.
func TestDiskEmptiedWhileOpen(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	put(t, d, modKey, "before")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	wantMiss(t, d, modKey)
	put(t, d, modKey, "after")
	wantContent(t, d, modKey, "after")
}
