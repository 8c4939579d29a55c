package cache

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The record of an entry is not read again as long as its content is in the file that
// it was read for, and it is when that is another one, whatever it looks like.
func TestRecordIsReadOnce(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no record is kept in memory here")
	}
	const key, content = "example.com/m/@v/v1.0.0.mod", "module example.com/m\n"
	tests := []struct {
		name   string
		change func(t *testing.T, d *Disk, file string)
		want   string // Verified, of which the record on disk says "disk"; empty for a miss
	}{
		{"nothing", func(*testing.T, *Disk, string) {}, "memory"},
		{"stored anew", func(t *testing.T, d *Disk, _ string) {
			c := Content{Meta: Meta{Verified: "anew"}, Size: int64(len(content)), Body: strings.NewReader(content)}
			if err := d.Put(t.Context(), key, c); err != nil {
				t.Fatal(err)
			}
		}, "anew"},
		{"deleted", func(t *testing.T, d *Disk, _ string) {
			if err := d.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"written over, with the time of before", func(t *testing.T, _ *Disk, file string) {
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, info.ModTime(), info.ModTime()); err != nil {
				t.Fatal(err)
			}
		}, "disk"},
		{"another file of the same moment", func(_ *testing.T, d *Disk, _ string) {
			for hash, r := range d.known.records {
				r.file.inode++
				d.known.records[hash] = r
			}
		}, "disk"},
		{"not noted as used for long", func(_ *testing.T, d *Disk, _ string) {
			for hash, r := range d.known.records {
				r.rec.used = r.rec.used.Add(-2 * touchEvery)
				d.known.records[hash] = r
			}
		}, "disk"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := OpenDisk(t.TempDir(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			c := Content{Meta: Meta{Verified: "disk"}, Size: int64(len(content)), Body: strings.NewReader(content)}
			if err := d.Put(t.Context(), key, c); err != nil {
				t.Fatal(err)
			}
			know(t, d, key, "memory")
			tt.change(t, d, filepath.Join(d.Dir(), filepath.FromSlash(key)))
			if got := verifiedOf(t, d, key); got != tt.want {
				t.Errorf("got the entry that was verified by %q, want %q", got, tt.want)
			}
		})
	}
}

// know has the store keep what the record of an entry says, but for how it was verified,
// as if the entry had been there for long.
func know(t *testing.T, d *Disk, key, verified string) {
	t.Helper()
	file, info, rec, err := d.openFile(key)
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	rec.Verified = verified
	d.known.add(key, info, rec, time.Now().Add(time.Hour))
}

func verifiedOf(t *testing.T, d *Disk, key string) string {
	t.Helper()
	e, err := d.Get(context.Background(), key)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	defer e.Body.Close()
	if _, err := io.Copy(io.Discard, e.Body); err != nil {
		t.Error(err)
	}
	return e.Verified
}

// A record that may be of the file before is not kept: the content of a moment ago may
// have been put in place when its record had been read.
func TestFreshRecordIsNotKept(t *testing.T) {
	d, err := OpenDisk(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	const key = "example.com/m/@v/v1.0.0.mod"
	if err := d.Put(t.Context(), key, Content{Size: 1, Body: strings.NewReader("m")}); err != nil {
		t.Fatal(err)
	}
	verifiedOf(t, d, key)
	if _, ok := d.known.get(key); ok {
		t.Error("it is kept")
	}
}

// As many records are kept as are bounded, and the latest is among them.
func TestKnownRecordsAreBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if ctimeOf(info) == 0 {
		t.Skip("no record is kept in memory here")
	}
	k := newKnown()
	for i := range maxKnown + 10 {
		key := string(rune(i))
		k.add(key, info, record{}, time.Now().Add(time.Hour))
		if _, ok := k.get(key); !ok || len(k.records) > maxKnown {
			t.Fatalf("after %d: the latest is kept: %v, of %d", i, ok, len(k.records))
		}
	}
}
