package fetch_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// smallDisk returns a directory on a file system of its own that is far too small.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("making a small file system takes the right to: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A bundle that does not fit on the disk is told to be so, by the disk's own error,
// wherever the downloads are kept meanwhile; and when there is room, it goes on.
func TestExportOntoAFullDisk(t *testing.T) {
	o := chaosOrigin(t, "public.example", 34)
	source := newMirror("mirror", o, 1).overSockets(t)
	files, err := fetch.ModuleFiles(module.Version{Path: "public.example/m00", Version: "v1.0.0"}) // a zip of 400 KiB
	if err != nil {
		t.Fatal(err)
	}
	zip := files[1].Key()
	for name, nowhereElse := range map[string]bool{"it alone is full": false, "and there is no room elsewhere": true} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk(t)
			dir := filepath.Join(disk, "bundle")
			if nowhereElse {
				t.Setenv("TMPDIR", disk)
			}
			c := newClient(t, fetch.Options{Upstream: source, Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey}})
			err := c.Export(t.Context(), dir, files)
			if !errors.Is(err, syscall.ENOSPC) || errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("got %v", err)
			}
			checkUnstored(t, err, zip, dir)
			if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT, "size=4m"); err != nil {
				t.Fatal(err)
			}
			if err := c.Export(t.Context(), dir, files); err != nil {
				t.Errorf("with room: %v", err)
			}
		})
	}
}

// checkUnstored checks that a file is among those for which there was no room in dir:
// while it fills the disk, others may find no room, too.
func checkUnstored(t *testing.T, err error, key, dir string) {
	t.Helper()
	all := unstoredBy(err)
	i := slices.IndexFunc(all, func(e *fetch.UnstoredError) bool { return e.Key == key })
	if i < 0 {
		t.Fatalf("%s is not among what could not be stored: %v", key, err)
	}
	if one := all[i]; one.Dir != dir || !errors.Is(one, syscall.ENOSPC) || !strings.Contains(one.Error(), "make room there") {
		t.Errorf("got %v", one)
	}
}

// An import into a cache on a full disk says so, too.
func TestImportOntoAFullDisk(t *testing.T) {
	o := chaosOrigin(t, "public.example", 34)
	settings := &fetch.GoSettings{GOSUMDB: o.VerifierKey}
	bundle := exported(t, fetch.Options{Upstream: newMirror("mirror", o, 1).overSockets(t), Go: settings})
	dir := filepath.Join(smallDisk(t), "cache")
	c := newClient(t, fetch.Options{Upstream: upstream.Off(), CacheDir: dir, MemoryBytes: -1, Go: settings})
	_, err := c.Import(t.Context(), bundle)
	checkUnstored(t, err, "public.example/m00/@v/v1.0.0.zip", dir)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
