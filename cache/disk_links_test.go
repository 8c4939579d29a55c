package cache_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-go/breakwater/cache"
)

const secret = "what is outside"

// outside makes a directory with one file that no store may read or change.
func outside(t *testing.T) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte(secret), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

func wantUntouched(t *testing.T, dir, file string) {
	t.Helper()
	wantFiles(t, dir, "secret")
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(secret, string(got)); diff != "" {
		t.Errorf("the file outside (-want +got):\n%s", diff)
	}
}

// TestDiskLinks plants links that lead out of the directory of an open store.
func TestDiskLinks(t *testing.T) {
	for _, test := range []struct {
		name   string
		at     string // where the link is
		toFile bool   // what it leads to: the file outside, or its directory
		putOK  bool   // whether Put can replace the link
	}{
		{"content", modKey, true, true},
		{"record", ".breakwater/records/" + modKey + ",json", true, true},
		{"directory of content", "example.com", false, false},
		{"directory of a record", ".breakwater/records/example.com", false, false},
		{"directory of temporary files", ".breakwater/tmp", false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			outDir, outFile := outside(t)
			dir := t.TempDir()
			d := openDisk(t, dir)
			// An entry of the same size and time of change: only the link tells.
			put(t, d, modKey, secret)
			changed := modTime(t, filepath.Join(dir, modKey))
			if err := os.Chtimes(outFile, changed, changed); err != nil {
				t.Fatal(err)
			}
			target := outDir
			if test.toFile {
				target = outFile
			}
			link := filepath.Join(dir, test.at)
			if err := os.RemoveAll(link); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(target, link); err != nil {
				t.Skip(err)
			}
			if test.at != ".breakwater/tmp" && stored(d, modKey) {
				t.Error("Get followed the link")
			}
			if err := d.Put(t.Context(), modKey, text("new")); (err == nil) != test.putOK {
				t.Errorf("Put: %v, want success: %t", err, test.putOK)
			}
			if test.putOK {
				wantContent(t, d, modKey, "new")
			}
			wantUntouched(t, outDir, outFile)
			d.Delete(t.Context(), modKey)
			wantUntouched(t, outDir, outFile)
		})
	}
}

// TestOpenDiskLinks opens directories in which the store's own part is
// elsewhere.
func TestOpenDiskLinks(t *testing.T) {
	for _, at := range []string{".breakwater", ".breakwater/tmp"} {
		t.Run(at, func(t *testing.T) {
			outDir, outFile := outside(t)
			link := filepath.Join(t.TempDir(), "store", at)
			if err := os.MkdirAll(filepath.Dir(link), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(outDir, link); err != nil {
				t.Skip(err)
			}
			dir := filepath.Clean(link[:len(link)-len(at)])
			if d, err := cache.OpenDisk(dir, nil); err == nil {
				d.Close()
				t.Error("OpenDisk succeeded")
			}
			wantUntouched(t, outDir, outFile)
		})
	}
}

// TestDiskInTheWay has a file where a directory is needed, which stops writing
// even where permissions would not.
func TestDiskInTheWay(t *testing.T) {
	for _, at := range []string{".breakwater/tmp", "other", ".breakwater/records/other"} {
		t.Run(at, func(t *testing.T) {
			dir := t.TempDir()
			d := openDisk(t, dir)
			put(t, d, modKey, "kept")
			obstacle := filepath.Join(dir, at)
			if err := os.RemoveAll(obstacle); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(obstacle, nil, 0o666); err != nil {
				t.Fatal(err)
			}
			err := d.Put(t.Context(), "other/mod", text("new"))
			var pathErr *os.PathError
			if !errors.As(err, &pathErr) {
				t.Errorf("Put: %v, want an error that names the file in the way", err)
			}
			wantContent(t, d, modKey, "kept")
			wantMiss(t, d, "other/mod")
		})
	}
}
