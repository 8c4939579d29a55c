package cache_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDiskDamage damages an entry in every way that its record can tell. It
// must be a miss, and the next Put must mend it.
func TestDiskDamage(t *testing.T) {
	const content = "module example.com/Upper/mod\n"
	for _, test := range []struct {
		name   string
		damage func(t *testing.T, file, record string) error
	}{
		{"truncated", func(_ *testing.T, file, _ string) error { return os.Truncate(file, 5) }},
		{"empty", func(_ *testing.T, file, _ string) error { return os.Truncate(file, 0) }},
		{"extended", func(_ *testing.T, file, _ string) error { return os.Truncate(file, 100) }},
		{"truncated, time restored", func(t *testing.T, file, _ string) error {
			changed := modTime(t, file)
			if err := os.Truncate(file, 5); err != nil {
				return err
			}
			return os.Chtimes(file, changed, changed)
		}},
		{"replaced by equally much", func(t *testing.T, file, _ string) error {
			changed := modTime(t, file).Add(time.Nanosecond)
			if err := os.WriteFile(file, bytes.Repeat([]byte("x"), len(content)), 0o666); err != nil {
				return err
			}
			return os.Chtimes(file, changed, changed)
		}},
		{"removed", func(_ *testing.T, file, _ string) error { return os.Remove(file) }},
		{"a directory", func(_ *testing.T, file, _ string) error {
			if err := os.Remove(file); err != nil {
				return err
			}
			return os.Mkdir(file, 0o777)
		}},
		{"no record", func(_ *testing.T, _, record string) error { return os.Remove(record) }},
		{"empty record", func(_ *testing.T, _, record string) error { return os.Truncate(record, 0) }},
		{"torn record", func(_ *testing.T, _, record string) error { return os.Truncate(record, 40) }},
		{"record that ends in zeros", func(t *testing.T, _, record string) error {
			info, err := os.Stat(record)
			if err != nil {
				return err
			}
			if err := os.Truncate(record, info.Size()/2); err != nil {
				return err
			}
			return os.Truncate(record, info.Size())
		}},
		{"garbage for a record", func(_ *testing.T, _, record string) error {
			return os.WriteFile(record, []byte("<html>\x00"), 0o666)
		}},
		{"record of a later format", func(t *testing.T, _, record string) error {
			return edit(record, `"format":1`, `"format":2`)
		}},
		{"record without a format", func(t *testing.T, _, record string) error {
			return edit(record, `"format":1`, `"former":1`)
		}},
		{"record without a digest", func(t *testing.T, _, record string) error {
			return edit(record, `"sha256":"`, `"sha256":"00`)
		}},
		{"record that is a directory", func(_ *testing.T, _, record string) error {
			if err := os.Remove(record); err != nil {
				return err
			}
			return os.Mkdir(record, 0o777)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			d := openDisk(t, dir)
			put(t, d, modKey, content)
			wantContent(t, d, modKey, content)
			file := filepath.Join(dir, filepath.FromSlash(modKey))
			record := filepath.Join(dir, ".breakwater", "records", filepath.FromSlash(modKey)+",json")
			if err := test.damage(t, file, record); err != nil {
				t.Fatal(err)
			}
			wantMiss(t, d, modKey)
			wantMiss(t, openDisk(t, dir), modKey)
			// Rename replaces no directory; Delete removes it.
			if err := d.Delete(t.Context(), modKey); err != nil {
				t.Fatal(err)
			}
			put(t, d, modKey, content)
			wantContent(t, d, modKey, content)
		})
	}
}

func modTime(t *testing.T, file string) time.Time {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// edit replaces what must be in the file once.
func edit(file, old, replacement string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if bytes.Count(data, []byte(old)) != 1 {
		return &os.PathError{Op: "edit", Path: file, Err: os.ErrInvalid}
	}
	return os.WriteFile(file, bytes.Replace(data, []byte(old), []byte(replacement), 1), 0o666)
}
