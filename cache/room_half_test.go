package cache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What was half an entry when a walk came by may be whole when it is to go.
func TestHalfThatBecameWholeStays(t *testing.T) {
	for name, complete := range map[string]bool{"whole": true, "half": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			d := plainDisk(t, dir)
			if err := d.Put(t.Context(), "m", short("old")); err != nil {
				t.Fatal(err)
			}
			record := filepath.Join(dir, filepath.FromSlash(recordName("m")))
			old := time.Now().Add(-2 * halfAge)
			if err := errors.Join(os.Remove(filepath.Join(dir, "m")), os.Chtimes(record, old, old)); err != nil {
				t.Fatal(err)
			}
			seen, err := os.Stat(record)
			if err != nil {
				t.Fatal(err)
			}
			if complete {
				if err := d.Put(t.Context(), "m", short("new")); err != nil {
					t.Fatal(err)
				}
			}
			d.removeHalf(t.Context(), "m", fs.FileInfoToDirEntry(seen))
			if holds(d, "m", "new") != complete {
				t.Errorf("the entry is there: %v, want %v", !complete, complete)
			}
			if _, err := os.Stat(record); (err == nil) != complete {
				t.Errorf("its record: %v", err)
			}
		})
	}
}
