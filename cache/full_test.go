//go:build linux

package cache_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// smallDisk returns a directory on a file system of its own of so many bytes.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("making a small file system takes the right to: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A full disk costs what does not fit, never what is there, and the store has
// room made by itself: what comes later is stored.
func TestFullDisk(t *testing.T) {
	for name, bounds := range map[string]cache.Bounds{"no bounds": {}, "bounds beyond the disk": {MaxBytes: 1 << 40}} {
		t.Run(name, func(t *testing.T) {
			dir := smallDisk(t, 4<<20)
			made := make(chan cache.Eviction, 100)
			d, err := cache.OpenDisk(dir, &cache.DiskOptions{Bounds: bounds, OnEviction: func(e cache.Eviction) { made <- e }})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			content := func(i int) string { return strings.Repeat(fmt.Sprintf("%05d ", i), 10_000) }
			full := 0
			for i := range 300 {
				err := d.Put(t.Context(), fmt.Sprint("m", i), text(content(i)))
				if err == nil {
					continue
				}
				if !errors.Is(err, syscall.ENOSPC) {
					t.Fatal(err)
				}
				full++
				select {
				case e := <-made:
					if e.Err != nil || e.Entries == 0 {
						t.Fatalf("made no room: %+v", e)
					}
				case <-time.After(30 * time.Second):
					t.Fatal("nobody makes room")
				}
			}
			if full == 0 {
				t.Fatal("the disk was never full")
			}
			kept := 0
			for i := range 300 {
				if key := fmt.Sprint("m", i); stored(d, key) {
					wantContent(t, d, key, content(i))
					kept++
				}
			}
			if kept < 40 {
				t.Errorf("%d entries are kept", kept)
			}
			t.Logf("full %d times, %d of 300 entries kept", full, kept)
			wantFiles(t, dir+"/"+tempDir)
		})
	}
}

// A file system can also be out of inodes, while there is room for bytes.
func TestOutOfInodes(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "nr_inodes=200"); err != nil {
		t.Skipf("making a small file system takes the right to: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	made := make(chan cache.Eviction, 1000)
	d, err := cache.OpenDisk(dir, &cache.DiskOptions{OnEviction: func(e cache.Eviction) { made <- e }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i := range 1000 {
		key := fmt.Sprintf("m%d/@v/v1.%d.0.mod", i%10, i)
		err := d.Put(t.Context(), key, text(""))
		for errors.Is(err, syscall.ENOSPC) {
			select {
			case e := <-made:
				if e.Err != nil || e.Entries == 0 {
					t.Fatalf("made no room: %+v", e)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("nobody makes room")
			}
			err = d.Put(t.Context(), key, text(""))
		}
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := cache.ReadSmall(t.Context(), d, key)
		if err == nil && len(got) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) { // it may be evicted at once
			t.Fatalf("%s: %q, %v", key, got, err)
		}
	}
}

// What cannot be removed is told as the reason why there is no more room.
func TestEvictionFails(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 20)
	forbidChanges(t, filepath.Join(dir, ".breakwater", "records"))
	_, told := openBounded(t, dir, cache.Bounds{MaxFiles: 10})
	if e := <-told; e.Entries != 0 || e.Err == nil {
		t.Errorf("told %+v, want why nothing could be removed", e)
	}
}

// forbidChanges makes a directory read-only, for root by a mount.
func forbidChanges(t *testing.T, dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(dir, 0o777) })
		return
	}
	if err := syscall.Mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("making a directory read-only for root takes the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	if err := syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}
