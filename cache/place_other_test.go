package cache_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-go/breakwater/cache"
)

// emptied removes what is in a directory.
func emptied(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

func movedAway(dir string) error { return os.Rename(dir, dir+".old") }

func listed(t *testing.T, s cache.Lister) (keys []string) {
	t.Helper()
	err := s.List(t.Context(), func(key string) error {
		keys = append(keys, key)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return keys
}

// Where another process has made the directory anew, everything goes on in that one.
func TestDirectoryIsMadeAnewByAnother(t *testing.T) {
	commit := func(t *testing.T, d *cache.Disk, spool *cache.Spool) {
		if err := cache.Commit(t.Context(), d, "new", spool, cache.Meta{}); err != nil {
			t.Error(err)
		}
	}
	for name, test := range map[string]struct {
		before func(t *testing.T, d *cache.Disk) *cache.Spool // may be nil
		do     func(t *testing.T, d *cache.Disk, spool *cache.Spool)
		check  func(t *testing.T, other *cache.Disk) // nil for: "new" is in it
	}{
		"put": {do: func(t *testing.T, d *cache.Disk, _ *cache.Spool) { put(t, d, "new", "module m\n") }},
		"move of a spool from before": {
			before: func(t *testing.T, d *cache.Disk) *cache.Spool { return filled(t, d.NewSpool(0), "module m\n") },
			do:     commit,
		},
		"move of a spool from after": {do: func(t *testing.T, d *cache.Disk, _ *cache.Spool) {
			commit(t, d, filled(t, d.NewSpool(0), "module m\n"))
		}},
		"swap": {do: func(t *testing.T, d *cache.Disk, _ *cache.Spool) {
			if err := d.Swap(t.Context(), "new", nil, []byte("module m\n"), cache.Meta{}); err != nil {
				t.Error(err)
			}
		}},
		"lock": {
			do: func(t *testing.T, d *cache.Disk, _ *cache.Spool) {
				if _, err := d.Lock(t.Context(), "new"); err != nil {
					t.Error(err)
				}
			},
			check: func(t *testing.T, other *cache.Disk) {
				ended, cancel := context.WithCancel(t.Context())
				cancel()
				if _, err := other.Lock(ended, "new"); !errors.Is(err, context.Canceled) {
					t.Errorf("both have the lock: %v", err)
				}
			},
		},
		"get": {
			do:    func(t *testing.T, d *cache.Disk, _ *cache.Spool) { wantContent(t, d, "theirs", "theirs") },
			check: func(*testing.T, *cache.Disk) {},
		},
		"list": {
			do: func(t *testing.T, d *cache.Disk, _ *cache.Spool) {
				if diff := cmp.Diff([]string{"theirs"}, listed(t, d)); diff != "" {
					t.Errorf("List (-want +got):\n%s", diff)
				}
			},
			check: func(*testing.T, *cache.Disk) {},
		},
		"delete": {
			do: func(t *testing.T, d *cache.Disk, _ *cache.Spool) {
				if err := d.Delete(t.Context(), "theirs"); err != nil {
					t.Error(err)
				}
			},
			check: func(t *testing.T, other *cache.Disk) { wantMiss(t, other, "theirs") },
		},
	} {
		for how, lose := range map[string]func(dir string) error{"removed": os.RemoveAll, "moved away": movedAway} {
			t.Run(name+", "+how, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "cache")
				d := openDisk(t, dir)
				put(t, d, "ours", "ours")
				var spool *cache.Spool
				if test.before != nil {
					spool = test.before(t, d)
				}
				if err := lose(dir); err != nil {
					t.Fatal(err)
				}
				other := openDisk(t, dir)
				put(t, other, "theirs", "theirs")
				test.do(t, d, spool)
				if test.check != nil {
					test.check(t, other)
					return
				}
				wantContent(t, other, "new", "module m\n")
				wantContent(t, d, "theirs", "theirs")
				wantMiss(t, d, "ours")
				if _, err := os.Stat(filepath.Join(dir+".old", "new")); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("it is in the old directory: %v", err)
				}
			})
		}
	}
}

// Who goes on in a directory that was emptied claims its temporary files again:
// another process that comes leaves them alone.
func TestEmptiedDirectoryIsClaimedAgain(t *testing.T) {
	dir := t.TempDir()
	d := openDisk(t, dir)
	if err := emptied(dir); err != nil {
		t.Fatal(err)
	}
	put(t, d, modKey, "module m\n")
	spool := filled(t, d.NewSpool(0), "a long download")
	file, err := spool.FileName()
	if err != nil {
		t.Fatal(err)
	}
	before := stat(t, file)
	openDisk(t, dir).Close()
	if err := cache.Commit(t.Context(), d, "new", spool, cache.Meta{}); err != nil {
		t.Error(err)
	}
	wantContent(t, d, "new", "a long download")
	if !os.SameFile(before, stat(t, filepath.Join(dir, "new"))) {
		t.Error("the spool's file was taken for that of a dead process")
	}
}

// A directory that is replaced as a whole is followed by who only reads it, when
// something is not in the old one.
func TestReadOnlyFollowsTheDirectory(t *testing.T) {
	base := t.TempDir()
	release := func(name string, keys ...string) string {
		dir := filepath.Join(base, name)
		d := openDisk(t, dir)
		for _, key := range keys {
			put(t, d, key, name)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	current := release("first", "m")
	s := readOnly(t, current)
	wantContent(t, s, "m", "first")
	for _, next := range []string{"second", "third"} {
		dir := release(next, "m", "only in "+next)
		if err := errors.Join(os.Rename(current, current+" before "+next), os.Rename(dir, current)); err != nil {
			t.Fatal(err)
		}
		wantContent(t, s, "only in "+next, next)
		wantContent(t, s, "m", next)
	}
	if err := s.(io.Closer).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(current, current+" after"); err != nil {
		t.Fatal(err)
	}
	release("first", "m")
	if stored(s, "m") {
		t.Error("it reads on after Close")
	}
}

// A store that is closed while it makes its directory anew has nothing open after
// that.
func TestCloseBesidePut(t *testing.T) {
	for range 100 {
		dir := filepath.Join(t.TempDir(), "cache")
		d := openDisk(t, dir)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		both.Go(func() { d.Put(t.Context(), modKey, text("module m\n")) }) // which may fail
		both.Go(func() {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		if err := d.Put(t.Context(), "later", text("x")); err == nil {
			t.Fatal("it stores after Close")
		}
		owners, err := os.ReadDir(filepath.Join(dir, ".breakwater", "owners"))
		if len(owners) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("owners %v: %v", owners, err)
		}
	}
}

func TestCloseTwice(t *testing.T) {
	d := openDisk(t, t.TempDir())
	for range 2 {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}
