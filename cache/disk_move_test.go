package cache_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// filled returns a finished spool that is closed with the test.
func filled(t testing.TB, spool *cache.Spool, content string) *cache.Spool {
	t.Helper()
	t.Cleanup(func() { spool.Close() })
	if _, err := io.WriteString(spool, content); err != nil {
		t.Fatal(err)
	}
	if err := spool.Finish(); err != nil {
		t.Fatal(err)
	}
	return spool
}

func stat(t testing.TB, file string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestDiskMove(t *testing.T) {
	const content = "PK\x03\x04 and so on"
	elsewhere := t.TempDir()
	memory := cache.NewMemory(nil)
	for _, test := range []struct {
		name     string
		newSpool func(*cache.Disk) *cache.Spool
		store    func(*cache.Disk) cache.Store
		renamed  bool
	}{
		{
			"own file",
			func(d *cache.Disk) *cache.Spool { return d.NewSpool(0) },
			func(d *cache.Disk) cache.Store { return d },
			true,
		},
		{
			"own file, through a layered store",
			func(d *cache.Disk) *cache.Spool { return cache.SpoolFor(cache.Layered(memory, d), 0) },
			func(d *cache.Disk) cache.Store { return cache.Layered(memory, d) },
			true,
		},
		{
			"memory content that was written out",
			func(d *cache.Disk) *cache.Spool { return d.NewSpool(1 << 20) },
			func(d *cache.Disk) cache.Store { return d },
			true,
		},
		{
			"file in another directory",
			func(*cache.Disk) *cache.Spool { return cache.NewSpool(0, elsewhere) },
			func(d *cache.Disk) cache.Store { return d },
			false,
		},
		{
			"file of another store",
			func(*cache.Disk) *cache.Spool { return openDisk(t, t.TempDir()).NewSpool(0) },
			func(d *cache.Disk) cache.Store { return d },
			false,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			d := openDisk(t, dir)
			spool := filled(t, test.newSpool(d), content)
			name, err := spool.FileName()
			if err != nil {
				t.Fatal(err)
			}
			before := stat(t, name)
			if err := cache.Commit(t.Context(), test.store(d), modKey, spool, cache.Meta{}); err != nil {
				t.Fatal(err)
			}
			if got := os.SameFile(before, stat(t, filepath.Join(dir, modKey))); got != test.renamed {
				t.Errorf("the entry's file is the spool's: %t, want %t", got, test.renamed)
			}
			wantContent(t, test.store(d), modKey, content)
			if err := spool.Close(); err != nil {
				t.Fatal(err)
			}
			wantContent(t, d, modKey, content)
			wantFiles(t, filepath.Join(dir, tempDir))
			if _, err := os.Stat(name); err == nil {
				t.Errorf("%s is left", name)
			}
		})
	}
}
